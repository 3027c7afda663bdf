// SPDX-License-Identifier: GPL-3.0-or-later
// Where files are attached: how much room the message has left, before and after each file (mpRoom).
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    const box = document.querySelector('#compose-attachments .hint');
    if (!box || rcmail.env.action !== 'compose') return;
    // Octets of the files in the message, and of those on their way.
    let used = rcmail.env.agents_room || 0, coming = 0;

    function under_way() {
      return Object.keys(rcmail.uploads || {}).length ? coming : 0;
    }
    const upload = rcmail.file_upload;
    rcmail.file_upload = function (files, values, options) {
      const chosen = Array.from(files || []);
      if (!mpRoom.fits(used + under_way(), chosen)) {
        mpRoom.show(box, used, chosen);
        if (box.offsetParent === null) rcmail.display_message(rcmail.quote_html(box.textContent), 'error', 20000);
        return false;
      }
      coming = under_way() + chosen.reduce(function (sum, file) { return sum + file.size; }, 0);
      return upload.call(rcmail, files, values, options);
    };
    rcmail.addEventListener('plugin.agents_room', function (octets) {
      used = Number(octets);
      mpRoom.show(box, used);
    });
    mpRoom.show(box, used);
  });
}
