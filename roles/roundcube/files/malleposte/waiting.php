<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * The files of an agent that wait on this host: of messages that are being written, of contacts that are being imported.
 *
 * Each session writes into a folder of its own below the agent's, so that they can be counted together, and so that all go with
 * the session, which the clean-up knows by the folder's age. What serves one answer alone goes when the request ends.
 */
final class malleposte_waiting
{
    /** Octets for which a file counts at least, so that the number of small ones is bounded too. */
    private const LEAST = 65536;
    /** Windows for writing that a session keeps: its row in the database grows with each. */
    private const WINDOWS = 100;
    /** Seconds between two marks of a session that is in use. */
    private const MARK = 60;
    /** Requests whose files are for their own answer. A client that leaves early would let some of them lie. */
    private const PASSING = ['mail.import', 'mail.bounce', 'mail.plugin.zipdownload.attachments', 'mail.plugin.zipdownload.messages'];
    /** Requests that write a file without asking the hooks of attachments. */
    private const WRITING = ['addressbook.import', 'addressbook.upload-photo'];

    private readonly string $base;
    private readonly string $own;
    private readonly int $room;
    private string $folder = '';
    /** @var resource|null */
    private $turn = null;

    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
        $this->base = (string) $rc->config->get('temp_dir');
        $this->own = $this->base . '/agent-' . (int) ($_SESSION['user_id'] ?? 0);
        $this->room = (int) $rc->config->get('agents_waiting_mb', 200) * 1048576;
        // Before the plugin that stores them.
        $plugin->add_hook('attachment_upload', [$this, 'upload']);
        $plugin->add_hook('attachment_save', [$this, 'save']);
        $plugin->add_hook('session_destroy', [$this, 'leave']);
    }

    /** Give this session its folder, and refuse what would go beyond the agent's room. */
    public function begin(string $task, string $action): void
    {
        if (empty($_SESSION['user_id'])) {
            return;
        }
        $this->folder = $this->own . '/' . substr(hash('sha256', session_id()), 0, 32);
        $this->make($this->folder);
        if (time() - filemtime($this->folder) > self::MARK) {
            touch($this->folder);
        }
        $this->rc->config->set('temp_dir', $this->folder);
        $this->move();
        $this->close();
        $what = "$task." . str_replace('_', '-', strtolower($action));
        if (in_array($what, self::PASSING, true) || ($what === 'mail.get' && !empty($_GET['_thumb']) && empty($_GET['_id']))) {
            $this->pass();
        }
        elseif ($what === 'mail.send' && $this->octets() > 2 * $this->room) {
            $this->refuse();
        }
        elseif (in_array($what, self::WRITING, true) && !$this->admits($this->sent())) {
            $this->refuse();
        }
    }

    public function upload($args)
    {
        return $this->folder === '' || $this->admits((int) ($args['size'] ?? 0)) ? $args : $this->refused($args);
    }

    /** A file of a draft or of a message that is forwarded; a large one has been written already. */
    public function save($args)
    {
        $path = (string) ($args['path'] ?? '');
        $written = $path !== '' && dirname($path) === $this->folder;
        if ($this->folder === '' || $this->admits($written ? 0 : strlen((string) ($args['data'] ?? '')))) {
            return $args;
        }
        if ($written) {
            @unlink($path);
        }
        if ($this->rc->action === 'compose') {
            $this->end((string) $args['group']);
        }
        $this->rc->output->show_message($this->words(), 'error');
        return $this->refused($args);
    }

    public function leave($args)
    {
        if ($this->folder !== '') {
            self::remove($this->folder);
        }
        return $args;
    }

    /** Whether the agent has room for so many octets more. One request asks at a time, until it ends: two would pass together. */
    private function admits(int $more): bool
    {
        if ($this->turn === null) {
            $this->turn = fopen("$this->own/turn", 'c') ?: null;
            if ($this->turn === null || !flock($this->turn, LOCK_EX)) {
                throw new RuntimeException("$this->own/turn cannot be locked: make its owner PHP's user");
            }
        }
        return $this->octets() + ($more ? max($more, self::LEAST) : 0) <= $this->room;
    }

    /** What lies in the folders of the agent's sessions. */
    private function octets(): int
    {
        return (int) array_sum(array_map(fn ($path) => max((int) @filesize($path), self::LEAST), glob("$this->own/*/*") ?: []));
    }

    /** Octets of the files that this request brings. */
    private function sent(): int
    {
        $octets = 0;
        foreach (array_column($_FILES, 'size') as $sizes) {
            $octets += array_sum((array) $sizes);
        }
        return $octets;
    }

    /** A folder for this request alone. */
    private function pass(): void
    {
        if ($this->octets() > 2 * $this->room) {
            $this->refuse();
        }
        $folder = "$this->own/" . uniqid('pass-', true);
        $this->make($folder);
        register_shutdown_function(fn () => self::remove($folder));
        $this->rc->config->set('temp_dir', $folder);
    }

    /** Take along the files of a session that began when all sessions had one folder. */
    private function move(): void
    {
        foreach ($_SESSION['plugins']['filesystem_attachments'] ?? [] as $group => $files) {
            foreach ((array) $files as $id => $path) {
                $here = $this->folder . '/' . basename($path);
                if (dirname($path) === $this->base && @rename($path, $here)) {
                    $_SESSION['plugins']['filesystem_attachments'][$group][$id] = $here;
                    if (isset($_SESSION["compose_data_$group"]['attachments'][$id])) {
                        $_SESSION["compose_data_$group"]['attachments'][$id]['path'] = $here;
                    }
                }
            }
        }
    }

    /** Close the oldest windows for writing beyond those that a session keeps: they were left without sending. */
    private function close(): void
    {
        $windows = preg_grep('/^compose_data_/', array_keys($_SESSION));
        foreach (array_slice($windows, 0, max(count($windows) - self::WINDOWS, 0)) as $window) {
            $this->rc->plugins->exec_hook('attachments_cleanup', ['group' => substr($window, strlen('compose_data_'))]);
            $this->rc->session->remove($window);
        }
    }

    /** End a page for writing that would lack a file: saved without it, a draft would lose it. */
    private function end(string $group): void
    {
        $this->rc->plugins->exec_hook('attachments_cleanup', ['group' => $group]);
        $this->rc->session->remove("compose_data_$group");
        $this->plugin->add_hook('error_page', fn ($args) => [
            'title' => rcube::Q($this->plugin->gettext('waitingtitle')), 'text' => rcube::Q($this->words()),
        ] + $args);
        rcube::raise_error(['code' => 507], false, true);
    }

    /** Answer the request with the words alone. */
    private function refuse(): never
    {
        $this->rc->output->show_message($this->words(), 'error');
        $this->rc->output->send('iframe');
        exit;
    }

    private function refused(array $args): array
    {
        return ['status' => false, 'abort' => true, 'break' => true, 'error' => $this->words()] + $args;
    }

    private function words(): string
    {
        $this->plugin->add_texts('localization/');
        return $this->plugin->gettext(['name' => 'waiting', 'vars' => ['$size' => (string) intdiv($this->room, 1048576)]]);
    }

    private function make(string $folder): void
    {
        if (!is_dir($folder) && !@mkdir($folder, 0700, true) && !is_dir($folder)) {
            throw new RuntimeException("$folder cannot be made: make the owner of $this->base PHP's user");
        }
    }

    private static function remove(string $folder): void
    {
        array_map(fn ($path) => @unlink($path), glob("$folder/*") ?: []);
        @rmdir($folder);
    }
}
