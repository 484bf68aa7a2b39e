/* SPDX-License-Identifier: MIT */
#include <stdio.h>

int b(void);

int main(void)
{
	return printf("own %d\n", b()) < 0;
}
