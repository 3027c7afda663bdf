"""Standard library only: this package is shipped over ssh and run with /usr/bin/python3 of the vantage host."""
