// SPDX-License-Identifier: GPL-3.0-or-later
// The school beside each name of the address book from which recipients are chosen.
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    function rows() {
      return [...document.querySelectorAll('#contacts-table a[title*="@"]:not(.malleposte-known)')];
    }
    function ask() {
      const addresses = rows().map(function (one) { return one.title; });
      if (addresses.length) rcmail.http_post('plugin.malleposte-schools', {_addresses: addresses.slice(0, 100).join(' ')});
    }
    rcmail.addEventListener('plugin.malleposte_schools', function (schools) {
      rows().forEach(function (one) {
        const school = schools[one.title.toLowerCase()];
        one.classList.add('malleposte-known');
        if (!school) return;
        const beside = document.createElement('span');
        beside.className = 'email';
        beside.textContent = ' — ' + school;
        one.append(beside);
      });
    });
    rcmail.addEventListener('responseafterlist-contacts', ask);
    rcmail.addEventListener('responseaftersearch-contacts', ask);
  });
}
