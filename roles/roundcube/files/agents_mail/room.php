<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** The files of a message that is being written: what they have together, for the page's script (room.js). */
final class agents_room
{
    public function __construct(private readonly rcmail $rc, rcube_plugin $plugin)
    {
        if ($rc->action === 'compose' && $rc->output->type === 'html') {
            $plugin->include_script('room.js');
            $plugin->add_hook('render_page', [$this, 'begin']);
        }
        if (in_array($rc->action, ['compose', 'upload'], true)) {
            $most = ['name' => 'roommost', 'vars' => ['$size' => (string) $rc->config->get('agents_attachments_mb')]];
            $rc->load_language($_SESSION['language'] ?? null, [], ['msgsizeerror' => $plugin->gettext($most)]);
        }
        $plugin->add_hook('attachment_upload', fn ($args) => $this->tell($args, (int) ($args['size'] ?? 0)));
        $plugin->add_hook('attachment_delete', fn ($args) => $this->tell($args, -(int) ($args['size'] ?? 0)));
    }

    public function begin($args)
    {
        $this->rc->output->set_env('agents_room', $this->octets());
        return $args;
    }

    /** Tell the page the sum with a file that comes, or without one that goes. */
    private function tell(array $args, int $more): array
    {
        if ($this->rc->task === 'mail') {
            $this->rc->output->command('plugin.agents_room', $this->octets() + $more);
        }
        return $args;
    }

    private function octets(): int
    {
        $id = rcube_utils::get_input_string('_id', rcube_utils::INPUT_GPC);
        return (int) array_sum(array_column((array) ($_SESSION["compose_data_$id"]['attachments'] ?? []), 'size'));
    }
}
