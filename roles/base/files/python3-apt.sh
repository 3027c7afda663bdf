#!/bin/sh
# Ansible's apt module needs python3-apt, which a minimal Debian lacks, and so cannot install it by itself.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install python3-apt
