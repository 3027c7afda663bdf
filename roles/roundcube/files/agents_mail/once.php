<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/**
 * An act that its page asks for again where the network lost the answer, and that is done once: by a number that the page
 * gives it. The first request may still run then, on another host even, so what is known of it is in the database, at once.
 */
final class agents_once
{
    /** Seconds: longer than nginx lets a request run, and shorter than the page tries. */
    private const RUNS = 90;
    private const KNOWN = 86400;
    private const DONE = 'done';

    private readonly rcube_db $db;
    private readonly string $table;

    /** Without a number the act is done each time. */
    public function __construct(private readonly rcmail $rc, private readonly string $number)
    {
        $this->db = $rc->get_dbh();
        $this->table = $this->db->table_name('cache', true);
    }

    /** Whether the act is to be done now; false where it is done already, null while another request does it. */
    public function begin(): ?bool
    {
        if ($this->number === '') {
            return true;
        }
        $this->db->query(
            "INSERT INTO $this->table (user_id, cache_key, expires, data) VALUES (?, ?, {$this->db->now(self::RUNS)}, '')"
            . " ON CONFLICT (user_id, cache_key) DO UPDATE SET expires = EXCLUDED.expires, data = ''"
            . " WHERE $this->table.expires < {$this->db->now()}",
            $this->rc->user->ID, $this->key()
        );
        if ($this->db->affected_rows() === 1) {
            return true;
        }
        $this->db->query("SELECT data FROM $this->table WHERE user_id = ? AND cache_key = ?", $this->rc->user->ID, $this->key());
        return ($this->db->fetch_assoc()['data'] ?? '') === self::DONE ? false : null;
    }

    /** The act is done: who asks again is told so. */
    public function done(): void
    {
        $this->db->query(
            "UPDATE $this->table SET data = ?, expires = {$this->db->now(self::KNOWN)} WHERE user_id = ? AND cache_key = ?",
            self::DONE, $this->rc->user->ID, $this->key()
        );
    }

    /** The act has failed, and may be tried again. */
    public function failed(): void
    {
        $this->db->query("DELETE FROM $this->table WHERE user_id = ? AND cache_key = ?", $this->rc->user->ID, $this->key());
    }

    private function key(): string
    {
        return "agents_once.$this->number";
    }
}
