<?php
// SPDX-License-Identifier: GPL-3.0-or-later

require_once __DIR__ . '/report.php';
require_once __DIR__ . '/ready.php';
require_once __DIR__ . '/undelete.php';

/** What agents do with mail here: know where it comes from, report it to the DSI, archive it by one key, file it by ready filters. */
class agents_mail extends rcube_plugin
{
    public $task = 'mail|settings';

    private rcmail $rc;

    public function init()
    {
        $this->rc = rcmail::get_instance();
        $this->add_texts('localization/');
        $this->rc->task === 'mail' ? $this->in_mail() : $this->in_settings();
    }

    private function in_mail(): void
    {
        $action = $this->rc->action;
        $this->add_hook('storage_init', [$this, 'headers']);
        $this->add_hook('message_objects', [$this, 'banner']);
        $this->register_action('plugin.malleposte-report', [$this, 'report']);
        if ($this->rc->output->type === 'html' && in_array($action, ['', 'show', 'preview'], true)) {
            $this->include_script('origin.js');
            $this->include_script('mail.js');
            $this->rc->output->set_env('agents_junk', (string) $this->rc->config->get('junk_mbox'));
            $this->rc->output->add_label('agents_mail.reporting', 'agents_mail.reportsure');
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

    private function in_settings(): void
    {
        $this->add_hook('settings_actions', [$this, 'section']);
        $this->register_action('plugin.malleposte-undelete', [$this, 'undelete']);
        $this->register_action('plugin.malleposte-undelete-back', [$this, 'undelete_back']);
        $this->register_action('plugin.malleposte-ready', [$this, 'ready']);
        $this->register_action('plugin.malleposte-ready-add', [$this, 'ready_add']);
    }

    /** Ask the store for the header that says how a sender was proved, where one message is shown. */
    public function headers($args)
    {
        if (in_array($this->rc->action, ['show', 'preview'], true)) {
            $args['fetch_headers'] = trim(($args['fetch_headers'] ?? '') . ' AUTHENTICATION-RESULTS');
        }
        return $args;
    }

    /** Give the page's script what is known of a message's origin: the shown name, the address, and the topmost proof. */
    public function banner($args)
    {
        $headers = $args['message']->headers;
        $senders = rcube_mime::decode_address_list((string) $headers->get('from'), 1);
        $first = reset($senders) ?: [];
        $proofs = (array) ($headers->get('authentication-results', false) ?: []);
        $this->rc->output->set_env('agents_origin', [
            'name' => (string) ($first['name'] ?? ''),
            'address' => (string) ($first['mailto'] ?? ''),
            'proof' => (string) reset($proofs),
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
        foreach (['ready' => 'agents_ready_filters', 'undelete' => 'agents_undelete_days'] as $page => $setting) {
            if ($this->rc->config->get($setting)) {
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

    public function undelete()
    {
        $this->register_handler('plugin.body', [$this, 'undelete_page']);
        $this->rc->output->set_pagetitle($this->gettext('undeletetitle'));
        $this->rc->output->send('plugin');
    }

    public function undelete_page(): string
    {
        $words = trim(rcube_utils::get_input_string('_words', rcube_utils::INPUT_GPC));
        $days = (int) $this->rc->config->get('agents_undelete_days');
        $rows = '';
        foreach ((new agents_undelete($this->rc))->find($words) as $number => $one) {
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
            . html::tag('button', ['type' => 'submit', 'class' => 'btn btn-secondary'], rcube::Q($this->rc->gettext('search'))));
        $list = $rows === '' ? html::p(null, rcube::Q($this->gettext('undeletenone'))) : $this->form('plugin.malleposte-undelete-back',
            html::div(['class' => 'malleposte-wide'], html::tag('table', ['class' => 'table malleposte-table'],
                html::tag('thead', null, html::tag('tr', null, $head)) . html::tag('tbody', null, $rows)))
            . html::tag('button', ['type' => 'submit', 'class' => 'btn btn-primary'], rcube::Q($this->gettext('undeleteback'))));
        return html::div(['class' => 'formcontent'], html::tag('h2', null, rcube::Q($this->gettext('undeletetitle')))
            . html::p(null, rcube::Q($this->gettext(['name' => 'undeleteintro', 'vars' => ['$days' => $days]]))) . $search . $list);
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
