/* SPDX-License-Identifier: MIT */
int b(void)
{
	return 42;
}
