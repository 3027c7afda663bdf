"""The front page of the portal for everybody: the state of each service, messages of maintenance and incident."""
