// Above the page, which keeps the rest of the screen; frames within it show none.
if (window.top === window) window.mpNotices.watch(address, function (bar) { document.body.prepend(bar); });
