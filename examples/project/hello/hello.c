/* SPDX-License-Identifier: Apache-2.0 */
/* Says which build it is, and multiplies two matrices, which compilers turn into the widest
 * instructions that the target has. */
#include <stdio.h>
#include <stdlib.h>

#define N 192

static float a[N][N], b[N][N], c[N][N];

static void fill(void)
{
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < N; j++) {
			a[i][j] = (float)(i + j) / N;
			b[i][j] = (float)(i - j) / N;
		}
	}
}

static void multiply(void)
{
	for (int i = 0; i < N; i++) {
		for (int k = 0; k < N; k++) {
			for (int j = 0; j < N; j++)
				c[i][j] += a[i][k] * b[k][j];
		}
	}
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
	double sum = 0;

	fill();
	for (int i = 0; i < rounds; i++)
		multiply();
	for (int i = 0; i < N; i++)
		sum += c[i][i];
	printf("hello from the build for %s with the flags %s: trace %.1f\n", TARGET, FLAGSET, sum);
	return 0;
}
