"""Common code of the browser tests: Debian's Chromium in the sizes of a desk and of a phone."""
