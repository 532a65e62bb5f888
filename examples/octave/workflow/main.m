% SPDX-License-Identifier: Apache-2.0
% usage: octave main.m INPUT RESULT
%
% INPUT is a size and a seed. A linear system, a singular value decomposition and a Fourier transform
% of that size; RESULT is the solution of the first and the largest residual. Ends with an error
% where a residual is not at the level of rounding.
1;
function residual = hold_to_rounding(what, residual)
  printf("%-20s residual %.1e\n", what, residual);
  if (! (residual < 1e-10))
    error("%s: residual %g is too large", what, residual);
  endif
endfunction

sigterm_dumps_octave_core(false); % half a result is none
args = argv();
[problem, result] = args{end-1:end};
numbers = load(problem);
n = numbers(1);
randn("state", numbers(2));

A = randn(n) + n * eye(n);
b = randn(n, 1);
x = A \ b;
solved = hold_to_rounding(sprintf("A x = b, n = %d", n), norm(A * x - b) / norm(b));

B = A(:, 1:n/2);
[U, S, V] = svd(B, "econ");
factored = hold_to_rounding(sprintf("SVD of %d x %d", size(B)), norm(U * S * V' - B) / S(1));

transformed = hold_to_rounding("FFT there and back", norm(ifft(fft(b)) - b) / norm(b));

residual = max([solved, factored, transformed]);
save("-text", result, "n", "x", "residual");
