<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** Nothing that is being written is lost with its session: what the page's script needs to go on in the next one (unsent.js). */
final class agents_unsent
{
    public function __construct(private readonly rcmail $rc, rcube_plugin $plugin)
    {
        if ($rc->action === 'compose' && $rc->output->type === 'html') {
            $plugin->include_script('unsent.js');
            $plugin->add_hook('render_page', [$this, 'tell']);
        }
    }

    /** Whose page it is, and how it was asked for: an answer or a forwarded message is asked for in the same way again. */
    public function tell($args)
    {
        $id = rcube_utils::get_input_string('_id', rcube_utils::INPUT_GET);
        $asked = (array) ($_SESSION["compose_data_$id"]['param'] ?? []);
        $known = array_intersect_key($asked, array_flip(['reply_uid', 'forward_uid', 'all', 'attachment', 'uid', 'mbox']));
        $this->rc->output->set_env('agents_unsent', ['uid' => (string) $this->rc->user->data['username'], 'asked' => $known]);
        return $args;
    }
}
