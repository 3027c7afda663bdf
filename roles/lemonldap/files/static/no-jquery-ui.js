// SPDX-License-Identifier: GPL-3.0-or-later
// In the stead of jQuery UI, of which the software's script asks these on every page, for lists, tabs and menus that ours have not.
jQuery.fn.draggable = jQuery.fn.sortable = jQuery.fn.tabs = function () { return this; };
