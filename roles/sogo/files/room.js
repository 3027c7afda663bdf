// SPDX-License-Identifier: GPL-3.0-or-later
// Below the editor of a message: how much room it has left for files, before and after each one (mpRoom).
(function () {
  "use strict";
  angular.module("SOGo.Common").directive("mdDialog", function () {
    return {restrict: "E", link: function (scope, element) {
      const own = scope.editor, place = element[0].querySelector(".sg-mail-editor-attachments");
      if (!own || !own.autosaveDrafts || !place || !window.mpRoom) return;
      const box = document.createElement("p");
      place.before(box);
      let used = -1, refused = [];

      function sum() {
        return !own.uploader ? 0 : own.uploader.queue.reduce(function (whole, one) { return whole + (Number(one.file && one.file.size) || 0); }, 0);
      }
      function begin() {
        own.uploader.filters.push({name: "room", fn: function (file) { return window.mpRoom.fits(sum(), [file]); }});
        own.uploader.onWhenAddingFileFailed = function (file, filter) {
          if (filter && filter.name !== "room") return;
          // Those that are chosen together are told together.
          if (!refused.length) setTimeout(function () { refused = []; }, 0);
          refused.push({name: file.name, size: file.size});
          used = sum();
          window.mpRoom.show(box, used, refused);
        };
      }
      // The editor makes it when it begins.
      const wait = scope.$watch(function () { return Boolean(own.uploader); }, function (there) {
        if (!there) return;
        wait();
        begin();
      });
      scope.$watch(sum, function (octets) {
        if (octets === used) return;
        used = octets;
        window.mpRoom.show(box, used, refused.length ? refused : null);
      });
    }};
  });
})();
