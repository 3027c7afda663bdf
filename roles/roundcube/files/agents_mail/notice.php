<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** A way for agents whom the groupware sent here: to their agenda here, or a word that their class has none, said once each time. */
final class agents_notice
{
    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
        $plugin->add_hook('startup', [$this, 'startup']);
    }

    /** Remember what is to be said, and go on to an address that may be loaded again without it. */
    public function startup($args)
    {
        if ($args['task'] === 'mail' && !empty($_SESSION['user_id']) && isset($_GET['_agenda'])) {
            if ((new agents_answers($this->rc, $this->plugin))->agenda()) {
                $this->rc->output->redirect(['_task' => agents_agenda_page::TASK]);
            }
            $_SESSION['agents_notice'] = true;
            $this->rc->output->redirect(['_task' => 'mail']);
        }
        return $args;
    }

    /** Say it on a page of mail. */
    public function say(): void
    {
        if (empty($_SESSION['agents_notice'])) {
            return;
        }
        $this->rc->session->remove('agents_notice');
        $this->plugin->include_script('notice.js');
        $this->rc->output->set_env('agents_interface_url', (string) $this->rc->config->get('agents_interface_url'));
        $this->rc->output->add_label('close', 'agents_mail.noagenda', 'agents_mail.noagendatext', 'agents_mail.noagendalink');
    }
}
