<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** The answers to an invitation: its buttons above the message, the mail to the organizer, the agent's agenda. */
final class agents_answers
{
    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
    }

    /** Show and answer the invitations of messages. */
    public function listen(): void
    {
        $this->plugin->add_hook('message_objects', [$this, 'invitation']);
        $this->plugin->register_action('plugin.malleposte-answer', [$this, 'answer']);
    }

    /** Show an invitation with a button for each answer. */
    public function invitation($args)
    {
        $known = agents_invitation::of($args['message']);
        [$start, $whole] = $known->start();
        if (!$start || !$known->organizer()) {
            return $args;
        }
        $addresses = $this->addresses();
        $called_off = $known->called_off($addresses) !== '' && $this->agenda();
        if (!$called_off && !$known->invited($addresses)) {
            return $args;
        }
        $when = $this->rc->format_date($start, $this->rc->config->get($whole ? 'date_format' : 'date_long'), !$whole);
        $link = $known->link();
        $place = $known->place() === $link ? '' : $known->place();
        $lines = array_filter([$when, $place, $this->plugin->gettext(['name' => 'invitationfrom', 'vars' => ['$who' => $known->organizer()]])]);
        $way = $link === '' || $called_off ? '' : html::p(null, html::a(['href' => $link, 'target' => '_blank', 'rel' => 'noreferrer'], rcube::Q($link)));
        $buttons = '';
        foreach ($called_off ? ['remove'] : array_keys(agents_invitation::ANSWERS) as $answer) {
            $look = $answer === 'accept' ? 'btn btn-primary' : 'btn btn-secondary';
            $buttons .= html::tag('button', ['type' => 'button', 'class' => $look, 'data-answer' => $answer], rcube::Q($this->plugin->gettext("invitation$answer"))) . ' ';
        }
        $args['content'][] = html::tag('section', ['class' => 'ui alert malleposte-invitation', 'aria-label' => $this->plugin->gettext('invitation')],
            html::tag('h3', null, rcube::Q($this->plugin->gettext(['name' => $called_off ? 'calledoff' : 'invitationof', 'vars' => ['$title' => $known->title()]])))
            . implode('', array_map(fn ($line) => html::p(null, rcube::Q($line)), $lines)) . $way . html::p(['class' => 'answers'], $buttons));
        return $args;
    }

    /** Answer an invitation: by mail to its organizer, as the address that was invited; the meeting goes to the agent's agenda. */
    public function answer()
    {
        $folder = rcube_utils::get_input_string('_mbox', rcube_utils::INPUT_POST);
        $uid = rcube_utils::get_input_string('_uid', rcube_utils::INPUT_POST);
        $word = rcube_utils::get_input_string('_answer', rcube_utils::INPUT_POST);
        $known = agents_invitation::of(new rcube_message($uid, $folder));
        $addresses = $this->addresses();
        if ($word === 'remove' && $known->called_off($addresses) !== '' && ($agenda = $this->agenda())) {
            $this->told($this->file($agenda, $known, '', ''), 'removed', 'removefailed', $word);
            return;
        }
        $answer = agents_invitation::ANSWERS[$word] ?? '';
        $address = $known->invited($addresses);
        if ($answer === '' || $address === '') {
            $this->told(false, '', 'answerfailed', $word);
            return;
        }
        $sent = $this->send($known, $address, $word);
        if ($sent === null) {
            // The page asks again after a while.
            http_response_code(503);
            exit;
        }
        if (!$sent) {
            $this->told(false, '', 'answerfailed', $word);
            return;
        }
        $this->rc->get_storage()->set_flag($uid, 'ANSWERED', $folder);
        $agenda = $this->agenda();
        if (!$agenda) {
            $this->told(true, 'answered', '', $word);
            return;
        }
        $this->told(true, $this->file($agenda, $known, $address, $answer) ? ($word === 'decline' ? 'answered' : 'answeredkept') : 'answerednotkept', '', $word);
    }

    /** Send an answer to the organizer once, however often its page asks. Whether it is sent; null while another request sends it. */
    public function send(agents_invitation $known, string $address, string $word): ?bool
    {
        $once = new agents_once($this->rc, $this->number());
        $mine = $once->begin();
        if ($mine === null) {
            return null;
        }
        if ($mine && !$this->send_answer($known, $address, agents_invitation::ANSWERS[$word], "answer$word")) {
            $once->failed();
            return false;
        }
        $once->done();
        return true;
    }

    /** The page's number of an answer, the same for each try; empty for what is none. */
    private function number(): string
    {
        $number = rcube_utils::get_input_string('_number', rcube_utils::INPUT_POST);
        return preg_match('/\A[0-9a-f]{24}\z/', $number) ? $number : '';
    }

    private function told(bool $done, string $yes, string $no, string $word): void
    {
        $this->rc->output->show_message($this->plugin->gettext($done ? $yes : $no), $done ? 'confirmation' : 'error', null, false, $done ? 8 : 0);
        if ($done) {
            $this->rc->output->command('plugin.agents_answered', ['answer' => $word]);
        }
        $this->rc->output->send();
    }

    /** Bring the agent's agenda to an answer; without one the meeting is called off. Whether it is done. */
    public function file(agents_agenda $agenda, agents_invitation $known, string $address, string $answer): bool
    {
        try {
            $found = $agenda->find($known->uid());
            $there = $found ? new agents_invitation($found[2]) : null;
            // An older message than the one by which the meeting came into the agenda, or one of somebody else.
            if ($there && ($there->sequence() > $known->sequence() || !in_array($there->organizer(), ['', $known->organizer()], true))) {
                return false;
            }
            $gone = $answer === '' || $answer === 'DECLINED';
            if ($gone && !$known->one_of_a_series()) {
                $found === null || $agenda->remove($found);
            } elseif (!$gone || $there) {
                $agenda->keep($known->uid(), $known->kept($address, $answer, $there), $found);
            }
            return true;
        }
        catch (RuntimeException $error) {
            rcube::raise_error(['message' => 'malleposte: the agenda: ' . $error->getMessage()], true, false);
            return false;
        }
    }

    /** The agenda of an agent whose class has it on the calendar server; nothing where the groupware keeps it. */
    public function agenda(): ?agents_agenda
    {
        $address = $this->address();
        if ($address === '' || $this->rc->plugins->get_plugin('malleposte')->groupware->has($this->uid())) {
            return null;
        }
        return new agents_agenda($this->rc, $address);
    }

    /** Where all agendas of the agent are. */
    public function home(): string
    {
        return preg_replace('~[^/]+/$~', '', $this->address());
    }

    private function address(): string
    {
        return str_replace('%u', rawurlencode($this->uid()), (string) $this->rc->config->get('agents_agenda_url'));
    }

    private function uid(): string
    {
        return (string) $this->rc->user->data['username'];
    }

    private function send_answer(agents_invitation $known, string $address, string $answer, string $label): bool
    {
        $to = $known->organizer();
        $name = (string) ($this->rc->user->get_identity()['name'] ?? '');
        $message = new Mail_mime("\r\n");
        foreach (['text_charset' => RCUBE_CHARSET, 'head_charset' => RCUBE_CHARSET, 'text_encoding' => 'quoted-printable'] as $key => $value) {
            $message->setParam($key, $value);
        }
        $subject = $this->plugin->gettext(['name' => $label, 'vars' => ['$title' => $known->title()]]);
        $message->setTXTBody(($name ?: $address) . "\r\n$subject\r\n");
        $message->setCalendarBody($known->reply($address, $answer), false, false, 'REPLY');
        $message->headers([
            'Date' => $this->rc->user_date(),
            'From' => format_email_recipient($address, $name),
            'To' => $to,
            'Subject' => $subject,
            'Message-ID' => $this->rc->gen_message_id($address),
        ]);
        return $to !== '' && (bool) $this->rc->deliver_message($message, $address, $to, $error);
    }

    /** The addresses from which the agent may write. */
    public function addresses(): array
    {
        return array_map('strtolower', array_column($this->rc->user->list_identities(), 'email'));
    }
}
