<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * « Agenda »: the page, and what its script asks for and changes. The script reads and writes the text of events (ical.js);
 * here they are bounded, and go to and from the devices' router, which knows what the agent may do.
 */
final class agents_agenda_page
{
    public const TASK = 'agenda';
    private const SCRIPTS = ['ical.js', 'event-calendar.js', 'events.js', 'days.js', 'form.js', 'panel.js', 'parts.js', 'page.js'];
    private const STYLES = ['event-calendar.css', 'agenda.css'];

    private ?agents_answers $answers = null;

    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
    }

    /** The way to it, beside those to mail and contacts, of agents whose agenda is on the calendar server. */
    public function button(): void
    {
        if ($this->rc->output->type !== 'html' || $this->rc->output->get_env('framed') || !$this->answers()->agenda()) {
            return;
        }
        $this->plugin->add_button([
            'type' => 'link',
            'href' => './?_task=' . self::TASK,
            'label' => 'agenda',
            'title' => 'agendatitle',
            'class' => $this->rc->task === self::TASK ? 'agenda selected' : 'agenda',
            'domain' => $this->plugin->ID,
            'innerclass' => 'inner',
        ], 'taskbar');
    }

    public function listen(): void
    {
        $this->plugin->register_task(self::TASK);
        foreach (['index' => 'page', 'events' => 'events', 'event' => 'event', 'save' => 'save', 'remove' => 'remove', 'answer' => 'answer'] as $action => $method) {
            $this->plugin->register_action($action, [$this, $method]);
        }
    }

    public function page(): void
    {
        $output = $this->rc->output;
        if (!$this->answers()->agenda()) {
            $output->redirect(['_task' => 'mail']);
        }
        foreach (self::STYLES as $name) {
            $this->plugin->include_stylesheet("agenda/$name");
        }
        $this->plugin->include_script('unsent.js');
        foreach (self::SCRIPTS as $name) {
            $this->plugin->include_script("agenda/$name");
        }
        $output->set_env('agents_agenda', [
            'uid' => (string) $this->rc->user->data['username'],
            'zone' => date_default_timezone_get(),
            'addresses' => $this->answers()->addresses(),
            'mail' => (string) ($this->rc->user->get_identity()['email'] ?? ''),
            'worker' => $this->plugin->api->output->asset_url('plugins/agents_mail/agenda/worker.js?s=' . filemtime(__DIR__ . '/agenda/events.js')),
            'words' => $this->words(),
        ]);
        $output->set_pagetitle($this->plugin->gettext('agenda'));
        $output->send('agents_mail.agenda');
    }

    /** All texts of the page, by their names without the prefix. */
    private function words(): array
    {
        $texts = rcube::read_localization_file(__DIR__ . '/localization/en_US.inc');
        $words = [];
        foreach (array_keys($texts) as $name) {
            if (str_starts_with($name, 'agenda_')) {
                $words[substr($name, strlen('agenda_'))] = $this->plugin->gettext($name);
            }
        }
        return $words;
    }

    /** The agendas, each with its events from a day on. One that does not answer is said, the others are shown. */
    public function events(): void
    {
        $from = rcube_utils::get_input_string('_from', rcube_utils::INPUT_GET);
        $this->tell(function () use ($from) {
            if (!preg_match('/\A(19[7-9]|2\d\d)\d-[01]\d-[0-3]\d\z/', $from)) {
                return ['said' => 'bad'];
            }
            $agendas = $this->agendas();
            $told = [];
            foreach ($agendas->list() as $id => $one) {
                $events = [[], 0];
                $silent = false;
                try {
                    $events = $agendas->events($one['href'], $from);
                }
                catch (RuntimeException $error) {
                    $silent = true;
                    $this->report($error);
                }
                $told[] = ['id' => $id, 'name' => $one['name'], 'colour' => $one['colour'], 'own' => $one['own'], 'events' => $events[0], 'left' => $events[1], 'silent' => $silent];
            }
            return ['agendas' => $told];
        });
    }

    /** One event as it is now. */
    public function event(): void
    {
        $this->tell(function () {
            $agendas = $this->agendas();
            $href = $agendas->unseal(rcube_utils::get_input_string('_event', rcube_utils::INPUT_GET));
            return $href === '' ? ['said' => 'gone'] : ['event' => $agendas->event($href)];
        });
    }

    /** Keep an event: a new one of an agenda, or a change of the version that the page has, which another agenda may get. */
    public function save(): void
    {
        $text = rcube_utils::get_input_string('_text', rcube_utils::INPUT_POST, true);
        $uid = rcube_utils::get_input_string('_uid', rcube_utils::INPUT_POST);
        [$agenda, $event, $etag] = $this->asked();
        $this->tell(function () use ($text, $uid, $agenda, $event, $etag) {
            if (strlen($text) > agents_agendas::EVENT) {
                return ['said' => 'large'];
            }
            if (!str_starts_with($text, 'BEGIN:VCALENDAR') || ($event === '' && $uid === '')) {
                return ['said' => 'bad'];
            }
            $agendas = $this->agendas();
            if ($event !== '') {
                $href = $agendas->unseal($event);
                if ($href === '') {
                    return ['said' => 'gone'];
                }
                if ($agenda === '') {
                    $agendas->change($href, $etag, $text);
                    return ['said' => 'saved'];
                }
            }
            $known = $agendas->list()[$agenda] ?? null;
            if ($known === null || !$known['own']) {
                return ['said' => 'refused'];
            }
            if ($event !== '') {
                $agendas->move($href, $etag, $text, $known['href']);
                return ['said' => 'saved'];
            }
            try {
                $agendas->add($known['href'], $uid, $text);
            }
            catch (GuzzleHttp\Exception\ClientException $error) {
                // The answer to the first try was lost.
                if ($error->getResponse()->getStatusCode() !== 412) {
                    throw $error;
                }
            }
            return ['said' => 'saved'];
        });
    }

    public function remove(): void
    {
        [, $event, $etag] = $this->asked();
        $this->tell(function () use ($event, $etag) {
            $agendas = $this->agendas();
            $href = $agendas->unseal($event);
            $href === '' || $agendas->remove($href, $etag);
            return ['said' => $href === '' ? 'gone' : 'removed'];
        });
    }

    /** Answer the invitation that stands in the agenda, as one that came by mail. */
    public function answer(): void
    {
        [, $event] = $this->asked();
        $word = rcube_utils::get_input_string('_answer', rcube_utils::INPUT_POST);
        $this->tell(function () use ($event, $word) {
            $agendas = $this->agendas();
            $href = $agendas->unseal($event);
            if ($href === '') {
                return ['said' => 'gone'];
            }
            $known = new agents_invitation($agendas->event($href)['text']);
            $answers = $this->answers();
            $address = $known->guest($answers->addresses());
            if ($address === '' || $known->organizer() === '' || !isset(agents_invitation::ANSWERS[$word])) {
                return ['said' => 'refused'];
            }
            $sent = $answers->send($known, $address, $word);
            if ($sent === null) {
                http_response_code(503);
                return ['said' => 'away'];
            }
            if (!$sent) {
                return ['said' => 'unsent'];
            }
            $agenda = new agents_agenda($this->rc, $agendas->of($href));
            return ['said' => $answers->file($agenda, $known, $address, agents_invitation::ANSWERS[$word]) ? "answered$word" : 'notkept'];
        });
    }

    /** The number of an agenda, the sealed address of an event, its version. */
    private function asked(): array
    {
        return array_map(fn ($name) => rcube_utils::get_input_string($name, rcube_utils::INPUT_POST), ['_agenda', '_event', '_etag']);
    }

    private function agendas(): agents_agendas
    {
        return new agents_agendas($this->rc, $this->answers()->home(), (string) $this->rc->config->get('des_key'));
    }

    private function answers(): agents_answers
    {
        return $this->answers ??= new agents_answers($this->rc, $this->plugin);
    }

    /** Answer the page's script; a refusal of the calendar server is said by a word that the script knows. */
    private function tell(callable $act): never
    {
        try {
            $told = $this->answers()->agenda() ? $act() : ['said' => 'refused'];
        }
        catch (RuntimeException $error) {
            $status = $error instanceof GuzzleHttp\Exception\BadResponseException ? $error->getResponse()->getStatusCode() : 0;
            $told = ['said' => match ($status) {
                412 => 'changed', 404, 410 => 'gone', 401, 403 => 'refused', 413 => 'large', 400, 409, 415 => 'bad', default => 'away',
            }];
            $this->report($error);
        }
        header('Content-Type: application/json; charset=UTF-8');
        header('Cache-Control: no-store');
        echo json_encode($told, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE);
        exit;
    }

    private function report(RuntimeException $error): void
    {
        rcube::raise_error(['message' => 'malleposte: the agenda: ' . mb_substr($error->getMessage(), 0, 300)], true, false);
    }
}
