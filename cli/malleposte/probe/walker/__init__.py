"""Standard library and dnspython alone: both are shipped over ssh and run with /usr/bin/python3 of the vantage host."""
