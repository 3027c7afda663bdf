// SPDX-License-Identifier: GPL-3.0-or-later
// In the stead of jQuery UI, of which the software's script asks these two on every page, for lists and tabs that ours have not.
jQuery.fn.sortable = jQuery.fn.tabs = function () { return this; };
