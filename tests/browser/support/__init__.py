"""What the browser tests share: Debian's Chromium in the sizes of a desk and of a phone."""
