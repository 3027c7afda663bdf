<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** The address books of the agent's teams, which the calendar server shows: among those of Roundcube, to be read alone. */
final class agents_books
{
    private const MARK = 'equipe-';
    /** Where recipients are chosen. Roundcube looks for address books at each message too, and for the photo of its sender. */
    private const IN_MAIL = ['compose', 'list-contacts', 'search-contacts'];

    private ?array $found = null;
    private ?agents_agendas $server = null;

    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
        $plugin->add_hook('addressbooks_list', [$this, 'list']);
        $plugin->add_hook('addressbook_get', [$this, 'get']);
    }

    /** Whether a page shows them: each costs questions to the calendar server. */
    public static function shown(string $task, string $action): bool
    {
        return $task === 'mail' ? in_array($action, self::IN_MAIL, true) : $task === 'addressbook' && $action !== 'photo';
    }

    public function list(array $args): array
    {
        foreach ($this->found() as $id => $one) {
            $args['sources'][$id] = ['id' => $id, 'name' => $one['name'], 'groups' => false, 'readonly' => true, 'autocomplete' => false];
        }
        return $args;
    }

    public function get(array $args): array
    {
        $id = (string) ($args['id'] ?? '');
        if (str_starts_with($id, self::MARK) && ($one = $this->found()[$id] ?? null)) {
            $args['instance'] = new agents_book($one['name'], $this->asked(fn () => $this->server->cards($one['href']), ''));
        }
        return $args;
    }

    /** Identifier => address and name. */
    private function found(): array
    {
        return $this->found ??= $this->asked(function () {
            $answers = new agents_answers($this->rc, $this->plugin);
            if (!$answers->agenda()) {
                return [];
            }
            $this->server = new agents_agendas($this->rc, $answers->home(), (string) $this->rc->config->get('des_key'));
            $found = [];
            foreach ($this->server->books() as $number => $one) {
                $found[self::MARK . $number] = $one;
            }
            return $found;
        }, []);
    }

    /** The answer of the calendar server; another where it gives none, and the other address books stand. */
    private function asked(callable $ask, array|string $otherwise): array|string
    {
        try {
            return $ask();
        }
        catch (RuntimeException $error) {
            rcube::raise_error(['message' => 'malleposte: the address books of teams: ' . $error->getMessage()], true, false);
            return $otherwise;
        }
    }
}

/** One of them, as Roundcube reads address books. */
final class agents_book extends rcube_addressbook
{
    public $primary_key = 'ID';
    public $readonly = true;
    public $ready = true;
    public $coltypes = [
        'name' => ['limit' => 1], 'firstname' => ['limit' => 1], 'surname' => ['limit' => 1], 'organization' => ['limit' => 1],
        'jobtitle' => ['limit' => 1], 'email' => [], 'phone' => [], 'address' => [], 'website' => [], 'notes' => ['limit' => 1],
    ];

    /** Identifier => card. */
    private array $cards = [];
    private ?array $chosen = null;
    private ?rcube_result_set $result = null;

    /** `$text`: vCards, one after the other. */
    public function __construct(private readonly string $title, string $text)
    {
        foreach (rcube_vcard::import($text) as $card) {
            $record = $card->get_assoc();
            $id = substr(hash('sha256', serialize($record)), 0, 16);
            $this->cards[$id] = ['ID' => $id] + $record;
        }
        uasort($this->cards, fn ($one, $other) => strcoll(self::compose_list_name($one), self::compose_list_name($other)));
    }

    public function get_name()
    {
        return $this->title;
    }

    public function set_search_set($filter)
    {
        $this->chosen = $filter;
    }

    public function get_search_set()
    {
        return $this->chosen;
    }

    public function reset()
    {
        $this->chosen = $this->result = null;
    }

    public function list_records($cols = null, $subset = 0, $nocount = false)
    {
        $cards = $this->wanted();
        $first = ($this->list_page - 1) * $this->page_size;
        $page = array_slice($cards, $first, $this->page_size);
        $part = $subset < 0 ? array_slice($page, $subset) : array_slice($page, 0, $subset ?: null);
        return $this->result = $this->set(count($cards), $first, $part);
    }

    public function search($fields, $value, $mode = 0, $select = true, $nocount = false, $required = [])
    {
        if ($fields === $this->primary_key) {
            $ids = is_array($value) ? $value : explode(',', (string) $value);
            $cards = array_intersect_key($this->cards, array_flip($ids));
        } else {
            $cards = array_filter($this->cards, fn ($card) => $this->matches($card, (array) $fields, $value, (int) $mode));
        }
        foreach ((array) $required as $field) {
            $cards = array_filter($cards, fn ($card) => (bool) array_filter(self::get_col_values($field, $card, true)));
        }
        $this->chosen = array_keys($cards);
        return $this->result = $select ? $this->list_records() : $this->count();
    }

    public function count()
    {
        return $this->set(count($this->wanted()), ($this->list_page - 1) * $this->page_size, []);
    }

    public function get_result()
    {
        return $this->result;
    }

    public function get_record($id, $assoc = false)
    {
        $card = $this->cards[$id] ?? null;
        $this->result = $this->set($card ? 1 : 0, 0, $card ? [$card] : []);
        return $assoc ? $card : $this->result;
    }

    private function wanted(): array
    {
        return array_values($this->chosen === null ? $this->cards : array_intersect_key($this->cards, array_flip($this->chosen)));
    }

    private function set(int $count, int $first, array $cards): rcube_result_set
    {
        $set = new rcube_result_set($count, $first);
        foreach ($cards as $card) {
            $set->add($card);
        }
        return $set;
    }

    /** One field has the word; with a word for each field, every one has its own. */
    private function matches(array $card, array $fields, array|string $value, int $mode): bool
    {
        $each = is_array($value);
        foreach (array_values($fields) as $place => $field) {
            $word = mb_strtolower($each ? (string) ($value[$place] ?? '') : $value);
            $hit = false;
            foreach ($field === '*' ? array_keys($card) : [$field] as $name) {
                foreach ($name === 'ID' ? [] : self::get_col_values($name, $card, true) as $one) {
                    $hit = $hit || (is_string($one) && $this->compare_search_value($name, $one, $word, $mode));
                }
            }
            if ($hit !== $each) {
                return $hit;
            }
        }
        return $each;
    }
}
