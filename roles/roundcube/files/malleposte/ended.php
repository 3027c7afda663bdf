<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * The sessions of a log-in that has ended at the provider are forgotten. nginx alone asks for this, with a name that the
 * router has found in a log-out token (role dav); no address of the site leads here.
 */
require '/var/lib/roundcube/program/include/iniset.php';

$sid = (string) ($_GET['sid'] ?? '');
$db = rcube::get_instance()->get_dbh();
// As sign_on.php keeps it, in PHP's own form.
$done = $sid !== '' && $db->query(
    'DELETE FROM ' . $db->table_name('session', true) . " WHERE position(convert_to(?, 'UTF8') IN decode(vars, 'base64')) > 0",
    'sign_on_sid|' . serialize($sid)
);
http_response_code($done ? 200 : 503);
