/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	printf("page size %ld\n", sysconf(_SC_PAGESIZE));
	return 0;
}
