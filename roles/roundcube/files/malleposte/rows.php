<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * What an agent may keep in the database: contacts and their groups, identities, responses, searches, by number and octets.
 *
 * One request of an agent counts and writes at a time: the lock goes with the request's connection. What was deleted, and could
 * be brought back until the nightly clean-up, goes first where the room is full.
 */
final class malleposte_rows
{
    private const ROWS = 20000;
    private const OCTETS = 52428800;
    /** Octets of an agent's preferences, and of the agent's own words for the spelling. */
    private const PREFERENCES = 262144;
    /** Any number: whose locks these are. */
    private const LOCK = 7265;
    private const TABLES = [
        'contacts' => ['name', 'email', 'firstname', 'surname', 'vcard', 'words'],
        'contactgroups' => ['name'],
        'identities' => ['name', 'organization', 'email', 'signature'],
        'responses' => ['name', 'data'],
        'searches' => ['name', 'data'],
        // Whom the agent wrote to.
        'collected_addresses' => ['name', 'email'],
    ];

    private ?int $rows = null;
    private int $octets = 0;

    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
        $plugin->add_hook('contact_create', [$this, 'contact']);
        foreach (['identity_create', 'response_create'] as $hook) {
            $plugin->add_hook($hook, fn ($args) => $this->take($args, 1, $args['record']));
        }
        foreach (['contact_update', 'identity_update', 'response_update'] as $hook) {
            $plugin->add_hook($hook, fn ($args) => $this->take($args, 0, $args['record']));
        }
        $plugin->add_hook('group_create', fn ($args) => $this->take($args, 1, $args['name']));
        $plugin->add_hook('group_addmembers', fn ($args) => $this->take($args, count((array) $args['ids']), ''));
        $plugin->add_hook('saved_search_create', fn ($args) => $this->take($args, 1, $args['data']));
        $plugin->add_hook('preferences_update', fn ($args) => $this->bounded($args, $args['prefs'] + $args['old']));
        $plugin->add_hook('spell_dictionary_save', fn ($args) => $this->bounded($args, $args['dictionary']));
    }

    /** A contact, with the groups that an import makes of its categories. */
    public function contact($args)
    {
        $groups = array_filter(explode(',', (string) ($args['record']['groups'][0] ?? '')), 'strlen');
        $args = $this->take($args, 1 + 2 * count($groups), $args['record']);
        if ($args['abort'] && $this->rc->action === 'import') {
            // It would go on with each of the others.
            $this->rc->output->command('parent.import_state_set', 'error');
            $this->rc->output->show_message($args['message'], 'error');
            $this->rc->output->send('iframe');
        }
        return $args;
    }

    /** Count what is about to be written; refuse it where there is no room. */
    private function take(array $args, int $rows, mixed $written): array
    {
        $octets = strlen(serialize($written));
        if (!$this->fits($rows, $octets)) {
            return $this->refused($args);
        }
        $this->rows += $rows;
        $this->octets += $octets;
        return $args;
    }

    private function fits(int $rows, int $octets): bool
    {
        $admits = fn () => $this->rows + $rows <= self::ROWS && $this->octets + $octets <= self::OCTETS;
        if ($this->rows === null) {
            $this->rc->get_dbh()->query('SELECT pg_advisory_lock(?, ?)', self::LOCK, $this->rc->user->ID);
            $this->count();
            if (!$admits()) {
                $this->forget();
                $this->count();
            }
        }
        return $admits();
    }

    private function count(): void
    {
        $db = $this->rc->get_dbh();
        $user = (int) $this->rc->user->ID;
        $parts = ["SELECT count(*) AS rows, 0 AS octets FROM {$db->table_name('contactgroupmembers', true)} m"
            . " JOIN {$db->table_name('contactgroups', true)} g USING (contactgroup_id) WHERE g.user_id = $user"];
        foreach (self::TABLES as $table => $columns) {
            $octets = implode(' + ', array_map(fn ($column) => "coalesce(octet_length($column), 0)", $columns));
            $parts[] = "SELECT count(*), coalesce(sum($octets), 0) FROM {$db->table_name($table, true)} WHERE user_id = $user";
        }
        $db->query('SELECT sum(rows) AS rows, sum(octets) AS octets FROM (' . implode(' UNION ALL ', $parts) . ') AS parts');
        $sums = $db->fetch_assoc();
        if (!$sums) {
            throw new RuntimeException('the rows of an agent could not be counted: ' . $db->is_error());
        }
        [$this->rows, $this->octets] = [(int) $sums['rows'], (int) $sums['octets']];
    }

    private function forget(): void
    {
        $db = $this->rc->get_dbh();
        foreach (['contacts', 'contactgroups', 'identities', 'responses'] as $table) {
            $db->query("DELETE FROM {$db->table_name($table, true)} WHERE user_id = ? AND del = 1", $this->rc->user->ID);
        }
    }

    private function bounded(array $args, mixed $written): array
    {
        return strlen(serialize($written)) <= self::PREFERENCES ? $args : $this->refused($args);
    }

    private function refused(array $args): array
    {
        $this->plugin->add_texts('localization/');
        return ['abort' => true, 'result' => false, 'message' => $this->plugin->gettext('roomfull')] + $args;
    }
}
