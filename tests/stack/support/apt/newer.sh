#!/bin/sh
# newer.sh PACKAGE NUMBER KIND: a repository on this host that offers PACKAGE, as installed, under a higher version.
#   good      nothing else differs
#   refusing  its program finds every configuration wrong
#   breaking  once installed, no other host reaches port 587 any more
#   none      all of it is undone, and the old package back
set -eu
package=$1 number=$2 kind=$3
folder=/var/local/malleposte-test-apt
if [ "$kind" = none ]; then
  rm -f /etc/apt/sources.list.d/malleposte-test.list
  nft delete table inet test_breaking 2> /dev/null || true
  apt-get -qq update
  [ ! -e "$folder/original.deb" ] ||
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --allow-downgrades install "$folder/original.deb"
  rm -rf "$folder"
  exit 0
fi
install -d -m 755 "$folder"
cd "$folder"
if [ ! -e original.deb ]; then
  apt-get -qq -o APT::Sandbox::User=root download "$package=$(dpkg-query -Wf '${Version}' "$package")"
  mv "$package"_*.deb original.deb
fi
rm -rf tree
dpkg-deb -R original.deb tree
sed -i "s/^Version: .*/&+malleposte$number/" tree/DEBIAN/control
case $kind in
  refusing)
    printf '#!/bin/sh\necho "the new program refuses"\nexit 1\n' > tree/usr/bin/fail2ban-client
    ;;
  breaking)
    printf '#!/bin/sh\nset -e\nnft add table inet test_breaking\n' > tree/DEBIAN/postinst
    printf "nft 'add chain inet test_breaking i { type filter hook input priority -10; }'\n" >> tree/DEBIAN/postinst
    printf "nft 'add rule inet test_breaking i iifname != lo tcp dport 587 reject'\n" >> tree/DEBIAN/postinst
    ;;
esac
rm -f new*.deb
dpkg-deb -b tree "new$number.deb" > /dev/null
{
  dpkg-deb -f "new$number.deb"
  echo "Filename: ./new$number.deb"
  echo "Size: $(stat -c %s "new$number.deb")"
  echo "SHA256: $(sha256sum "new$number.deb" | cut -d ' ' -f 1)"
} > Packages
echo "deb [trusted=yes] file:$folder ./" > /etc/apt/sources.list.d/malleposte-test.list
