<?php
// SPDX-License-Identifier: GPL-3.0-or-later

require_once __DIR__ . '/report.php';
require_once __DIR__ . '/ready.php';
require_once __DIR__ . '/undelete.php';
require_once __DIR__ . '/agenda.php';
require_once __DIR__ . '/agendas.php';
require_once __DIR__ . '/agenda_page.php';
require_once __DIR__ . '/books.php';
require_once __DIR__ . '/invitation.php';
require_once __DIR__ . '/once.php';
require_once __DIR__ . '/answers.php';
require_once __DIR__ . '/notice.php';
require_once __DIR__ . '/followup.php';
require_once __DIR__ . '/sizes.php';
require_once __DIR__ . '/unsent.php';
require_once __DIR__ . '/portal.php';
require_once __DIR__ . '/later.php';
require_once __DIR__ . '/room.php';
require_once __DIR__ . '/owners.php';

/** What agents do with mail here: know where it comes from, report it to the DSI, answer invitations, archive, file by ready filters. */
class agents_mail extends rcube_plugin
{
    public $task = 'mail|settings|addressbook|agenda';

    /** The folder above those of « Rappeler plus tard » (mailstore.RECALL). */
    private const RECALL = 'Rappeler';

    private rcmail $rc;

    public function init()
    {
        $this->rc = rcmail::get_instance();
        $this->add_texts('localization/');
        $agenda = new agents_agenda_page($this->rc, $this);
        $agenda->button();
        (new agents_followup($this->rc, $this))->button();
        (new agents_portal($this->rc, $this))->show();
        if (agents_books::shown($this->rc->task, (string) $this->rc->action)) {
            new agents_books($this->rc, $this);
        }
        match ($this->rc->task) {
            'mail' => $this->in_mail(),
            'settings' => $this->in_settings(),
            agents_agenda_page::TASK => $agenda->listen(),
            default => null,
        };
    }

    private function in_mail(): void
    {
        $action = $this->rc->action;
        $this->add_hook('storage_init', [$this, 'headers']);
        $this->add_hook('message_objects', [$this, 'banner']);
        (new agents_answers($this->rc, $this))->listen();
        $this->register_action('plugin.malleposte-report', [$this, 'report']);
        new agents_unsent($this->rc, $this);
        new agents_later($this->rc, $this);
        new agents_room($this->rc, $this);
        new agents_owners($this->rc, $this);
        $notice = new agents_notice($this->rc, $this);
        if ($this->rc->output->type === 'html' && $action === 'compose') {
            $this->include_script('plain.js');
            $this->rc->output->add_label('agents_mail.plaintext');
        }
        if ($this->rc->output->type === 'html' && $action === '') {
            $notice->say();
            $this->rc->output->set_env('agents_sizes', './?_task=settings&_action=' . agents_sizes::ACTION);
            $this->rc->output->add_label('agents_mail.sizesdetail', 'agents_mail.sizestitle');
        }
        if ($this->rc->output->type === 'html' && in_array($action, ['', 'show', 'preview'], true)) {
            $this->include_script('origin.js');
            $this->include_script('mail.js');
            if ($action !== '') {
                $this->include_script('answer.js');
            }
            $this->rc->output->set_env('agents_junk', (string) $this->rc->config->get('junk_mbox'));
            $this->rc->output->add_label('agents_mail.reporting', 'agents_mail.reportsure', 'agents_mail.answerwaits', 'agents_mail.answerfailed');
            if ($action !== 'preview') {
                $this->recall();
            }
            if ($action !== 'preview' && $this->rc->config->get('agents_report_to')) {
                $this->add_button([
                    'type' => 'link',
                    'label' => 'report',
                    'title' => 'reporttitle',
                    'command' => 'plugin.malleposte-report',
                    'class' => 'button report disabled',
                    'classact' => 'button report',
                    'domain' => $this->ID,
                    'innerclass' => 'inner',
                ], 'toolbar');
            }
        }
    }

    /** « Rappeler plus tard », hidden until the page knows that the agent has such folders. */
    private function recall(): void
    {
        $this->include_script('recall.js');
        $this->rc->output->set_env('agents_recall', self::RECALL);
        $this->rc->output->add_label('agents_mail.recalltitle', 'cancel');
        $this->add_button([
            'type' => 'link',
            'label' => 'recall',
            'title' => 'recalltitle',
            'command' => 'plugin.malleposte-recall',
            'class' => 'button recall disabled',
            'classact' => 'button recall',
            'domain' => $this->ID,
            'innerclass' => 'inner',
        ], 'toolbar');
    }

    private function in_settings(): void
    {
        new agents_sizes($this->rc, $this);
        new agents_later($this->rc, $this);
        $this->add_hook('settings_actions', [$this, 'section']);
        $this->add_hook('template_object_forwardform', [$this, 'forwards']);
        $this->register_action('plugin.malleposte-undelete', [$this, 'undelete']);
        $this->register_action('plugin.malleposte-undelete-back', [$this, 'undelete_back']);
        $this->register_action('plugin.malleposte-ready', [$this, 'ready']);
        $this->register_action('plugin.malleposte-ready-add', [$this, 'ready_add']);
    }

    /** Ask the store for the headers that say how a sender was proved, where one message is shown. */
    public function headers($args)
    {
        if (in_array($this->rc->action, ['show', 'preview'], true)) {
            $args['fetch_headers'] = trim(($args['fetch_headers'] ?? '') . ' AUTHENTICATION-RESULTS X-MALLEPOSTE-AUTHOR X-MALLEPOSTE-NOTICE X-MALLEPOSTE-LINKS');
        }
        return $args;
    }

    /** Give the page's script what is known of a message's origin: the shown name, the address, the topmost proof, the verified author, the filter's notice and the sites that it knows. */
    public function banner($args)
    {
        $headers = $args['message']->headers;
        $senders = rcube_mime::decode_address_list((string) $headers->get('from'), 1);
        $first = reset($senders) ?: [];
        $proofs = (array) ($headers->get('authentication-results', false) ?: []);
        $authors = (array) ($headers->get('x-malleposte-author', false) ?: []);
        $notices = (array) ($headers->get('x-malleposte-notice', false) ?: []);
        $links = (array) ($headers->get('x-malleposte-links', false) ?: []);
        $this->rc->output->set_env('agents_origin', [
            'name' => (string) ($first['name'] ?? ''),
            'address' => (string) ($first['mailto'] ?? ''),
            'proof' => (string) reset($proofs),
            'author' => (string) reset($authors),
            'notice' => (string) reset($notices),
            'links' => (string) reset($links),
        ]);
        return $args;
    }

    /** Send the originals of messages to the DSI, then move them to junk, which teaches the filter. */
    public function report()
    {
        $sets = rcmail::get_uids(null, null, $multi, rcube_utils::INPUT_POST);
        $report = new agents_report($this->rc, (string) $this->rc->config->get('agents_report_to'));
        $done = 0;
        foreach ($sets as $folder => $uids) {
            foreach ((array) $uids as $uid) {
                if (!$report->send($folder, (string) $uid, $this->gettext('reportsubject'), $this->gettext('reporttext'))) {
                    $this->rc->output->show_message($this->gettext('reportfailed'), 'error', null, false);
                    $this->rc->output->send();
                    return;
                }
                $done++;
            }
            $junk = (string) $this->rc->config->get('junk_mbox');
            if ($junk !== '' && $folder !== $junk) {
                $this->rc->get_storage()->move_message($uids, $junk, $folder);
            }
        }
        if ($done) {
            $this->rc->output->show_message($this->gettext('reported'), 'confirmation', null, false, 12);
            $this->rc->output->command('plugin.agents_reported', []);
        }
        $this->rc->output->send();
    }

    public function section($args)
    {
        $pages = ['ready' => 'agents_ready_filters', 'undelete' => 'agents_undelete_days', 'sizes' => null];
        foreach ($pages as $page => $setting) {
            if ($setting === null || $this->rc->config->get($setting)) {
                $args['actions'][] = [
                    'action' => "plugin.malleposte-$page",
                    'class' => $page,
                    'label' => $page,
                    'title' => "{$page}title",
                    'domain' => $this->ID,
                ];
            }
        }
        return $args;
    }

    /** Above the form of forwards: the academy's rule on addresses of others, where it has one. */
    public function forwards($args)
    {
        $rule = (string) $this->rc->config->get('agents_forward_outside', 'allowed');
        if ($rule !== 'allowed') {
            $words = $this->gettext(['name' => "forward$rule", 'vars' => ['$domain' => (string) $this->rc->config->get('mail_domain')]]);
            $args['content'] = html::div(['class' => 'ui alert alert-warning', 'id' => 'agents-forwards'], rcube::Q($words)) . $args['content'];
        }
        return $args;
    }

    public function undelete()
    {
        $this->register_handler('plugin.body', [$this, 'undelete_page']);
        $this->rc->output->set_pagetitle($this->gettext('undeletetitle'));
        $this->rc->output->send('plugin');
    }

    public function undelete_page(): string
    {
        $words = trim(rcube_utils::get_input_string('_words', rcube_utils::INPUT_GPC));
        [$from, $to, $error] = $this->undelete_days();
        $days = (int) $this->rc->config->get('agents_undelete_days');
        $rows = '';
        $found = $error ? [] : (new agents_undelete($this->rc))->find($words, $from, $to);
        foreach ($found as $number => $one) {
            $box = html::tag('input', ['type' => 'checkbox', 'name' => '_message[]', 'value' => $one['id'], 'id' => "message$number"]);
            $name = $one['subject'] !== '' ? $one['subject'] : $this->rc->gettext('nosubject');
            $rows .= html::tag('tr', null, html::tag('td', null, $box)
                . html::tag('td', null, html::label("message$number", rcube::Q($name)))
                . html::tag('td', null, rcube::Q($one['from'])) . html::tag('td', null, rcube::Q($this->rc->format_date($one['date'])))
                . html::tag('td', null, rcube::Q($this->rc->localize_foldername($one['folder']))));
        }
        $head = '';
        foreach (['undeletechoice', 'subject', 'from', 'date', 'undeletefolder'] as $name) {
            $text = str_starts_with($name, 'undelete') ? $this->gettext($name) : $this->rc->gettext($name);
            $head .= html::tag('th', ['scope' => 'col'], rcube::Q($text));
        }
        $search = html::tag('form', ['method' => 'get', 'action' => './', 'role' => 'search', 'class' => 'malleposte-search'],
            html::tag('input', ['type' => 'hidden', 'name' => '_task', 'value' => 'settings'])
            . html::tag('input', ['type' => 'hidden', 'name' => '_action', 'value' => 'plugin.malleposte-undelete'])
            . html::label('undelete-words', rcube::Q($this->gettext('undeletewords'))) . ' '
            . html::tag('input', ['type' => 'search', 'name' => '_words', 'id' => 'undelete-words', 'value' => $words, 'class' => 'form-control'])
            . $this->undelete_field('from') . $this->undelete_field('to')
            . html::tag('button', ['type' => 'submit', 'class' => 'btn btn-secondary'], rcube::Q($this->rc->gettext('search'))));
        $none = $error ? html::div(['class' => 'boxerror', 'role' => 'alert'], rcube::Q($error)) : html::p(null, rcube::Q($this->gettext('undeletenone')));
        $list = $rows === '' ? $none : $this->form('plugin.malleposte-undelete-back',
            html::div(['class' => 'malleposte-wide'], html::tag('table', ['class' => 'table malleposte-table'],
                html::tag('thead', null, html::tag('tr', null, $head)) . html::tag('tbody', null, $rows)))
            . html::tag('button', ['type' => 'submit', 'class' => 'btn btn-primary'], rcube::Q($this->gettext('undeleteback'))));
        return html::div(['class' => 'formcontent'], html::tag('h2', null, rcube::Q($this->gettext('undeletetitle')))
            . html::p(null, rcube::Q($this->gettext(['name' => 'undeleteintro', 'vars' => ['$days' => $days]]))) . $search . $list);
    }

    /** The days from and to that were asked for, or why they are none. */
    private function undelete_days(): array
    {
        $days = [];
        foreach (['from', 'to'] as $end) {
            $text = trim(rcube_utils::get_input_string("_$end", rcube_utils::INPUT_GPC));
            $days[] = $day = $text === '' ? null : agents_undelete::day($text);
            if ($day === false) {
                return [null, null, $this->gettext(['name' => 'undeletebadday', 'vars' => ['$day' => $text]])];
            }
        }
        [$from, $to] = $days;
        return [$from, $to, $from && $to && $from > $to ? $this->gettext('undeletebaddays') : ''];
    }

    private function undelete_field(string $end): string
    {
        $value = rcube_utils::get_input_string("_$end", rcube_utils::INPUT_GPC);
        $field = ['type' => 'date', 'name' => "_$end", 'id' => "undelete-$end", 'value' => $value, 'class' => 'form-control'];
        return html::label("undelete-$end", rcube::Q($this->gettext("undelete$end"))) . ' ' . html::tag('input', $field);
    }

    public function undelete_back()
    {
        $ids = (array) rcube_utils::get_input_value('_message', rcube_utils::INPUT_POST);
        $done = (new agents_undelete($this->rc))->restore($ids);
        $this->rc->output->show_message(
            $this->gettext(['name' => $done === false ? 'undeletefailed' : ($done ? 'undeleted' : 'undeletechoose'), 'vars' => ['$count' => (int) $done]]),
            $done ? 'confirmation' : 'warning'
        );
        $this->undelete();
    }

    /** A form of ours, with the token that proves that our page sent it. */
    private function form(string $action, string $content): string
    {
        return html::tag('form', ['method' => 'post', 'action' => "./?_task=settings&_action=$action"],
            html::tag('input', ['type' => 'hidden', 'name' => '_token', 'value' => $this->rc->get_request_token()]) . $content);
    }

    public function ready()
    {
        $this->register_handler('plugin.body', [$this, 'ready_page']);
        $this->rc->output->set_pagetitle($this->gettext('readytitle'));
        $this->rc->output->send('plugin');
    }

    public function ready_page(): string
    {
        $filters = $this->filters();
        $rows = '';
        foreach ($filters->offered() as $number => $filter) {
            $there = $filters->has($filter['name']);
            $form = $there ? html::span(['class' => 'hint'], rcube::Q($this->gettext('readythere'))) : $this->form('plugin.malleposte-ready-add',
                html::tag('input', ['type' => 'hidden', 'name' => '_filter', 'value' => $number])
                . html::tag('button', ['type' => 'submit', 'class' => 'btn btn-primary'], rcube::Q($this->gettext('readyadd')))
            );
            $rows .= html::tag('li', ['class' => 'malleposte-ready'], html::tag('h3', null, rcube::Q($filter['name']))
                . html::p(null, rcube::Q($this->gettext(['name' => 'readytext', 'vars' => ['$folder' => $filter['folder']]])))
                . html::p(['class' => 'hint'], rcube::Q($filters->words($filter))) . $form);
        }
        $error = $filters->error ? html::div(['class' => 'boxerror'], rcube::Q($this->gettext('readyfailed'))) : '';
        return html::div(['class' => 'formcontent'], html::tag('h2', null, rcube::Q($this->gettext('readytitle')))
            . html::p(null, rcube::Q($this->gettext('readyintro'))) . $error
            . html::tag('ul', ['class' => 'malleposte-readies'], $rows));
    }

    public function ready_add()
    {
        $filters = $this->filters();
        $number = (int) rcube_utils::get_input_string('_filter', rcube_utils::INPUT_POST);
        $added = $filters->add($number);
        $this->rc->output->show_message($this->gettext($added ? 'readyadded' : 'readyfailed'), $added ? 'confirmation' : 'error');
        $this->ready();
    }

    private function filters(): agents_ready
    {
        return new agents_ready($this->rc, (array) $this->rc->config->get('agents_ready_filters'));
    }
}
