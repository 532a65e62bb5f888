% SPDX-License-Identifier: Apache-2.0
% The first task of the demo: a linear system, a singular value decomposition, a Fourier transform.
% Ends with an error where a residual is not at the level of rounding.
1;
function hold_to_rounding(what, residual)
  printf("%-20s residual %.1e\n", what, residual);
  if (! (residual < 1e-10))
    error("%s: residual %g is too large", what, residual);
  endif
endfunction

clock_start = tic;
printf("GNU Octave %s from %s\n", version(), OCTAVE_HOME());
randn("state", 1);
n = 300;

A = randn(n) + n * eye(n);
b = randn(n, 1);
hold_to_rounding(sprintf("A x = b, n = %d", n), norm(A * (A \ b) - b) / norm(b));

B = A(:, 1:n/2);
[U, S, V] = svd(B, "econ");
hold_to_rounding(sprintf("SVD of %d x %d", size(B)), norm(U * S * V' - B) / S(1));

hold_to_rounding("FFT there and back", norm(ifft(fft(b)) - b) / norm(b));
printf("computed in %.1f s\n", toc(clock_start));
