<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** The school beside a name where an agent chooses a recipient: two people of one name differ by it. */
final class malleposte_schools
{
    /** The address book of the academy's directory. */
    private const BOOK = 'annuaire';
    /** People of one question; the page's list has no more. */
    private const MOST = 100;

    /** @param Closure $search Filter, attributes => entries, or false. */
    public function __construct(private readonly Closure $search, private readonly rcmail $rc, rcube_plugin $plugin)
    {
        if ($rc->task !== 'mail') {
            return;
        }
        $plugin->add_hook('contacts_autocomplete_after', [$this, 'suggestions']);
        $plugin->register_action('plugin.malleposte-schools', [$this, 'answer']);
        if ($rc->action === 'compose' && $rc->output->type === 'html') {
            $plugin->include_script('schools.js');
        }
    }

    /** The schools of the people of a list. */
    public function answer()
    {
        $asked = preg_split('/\s+/', mb_strtolower(rcube_utils::get_input_string('_addresses', rcube_utils::INPUT_POST)), self::MOST);
        $this->rc->output->command('plugin.malleposte_schools', $this->of(array_filter($asked, fn ($one) => rcube_utils::check_email($one, false))));
        $this->rc->output->send();
    }

    public function suggestions($args)
    {
        $addresses = [];
        foreach ($args['contacts'] as $place => $contact) {
            if (($contact['source'] ?? '') === self::BOOK && preg_match('/<([^<>\s]+)>\s*$/', (string) $contact['name'], $found)) {
                $addresses[$place] = mb_strtolower($found[1]);
            }
        }
        $schools = $this->of(array_values($addresses));
        foreach ($addresses as $place => $address) {
            if (isset($schools[$address])) {
                $args['contacts'][$place]['display'] = $args['contacts'][$place]['name'] . ' — ' . $schools[$address];
            }
        }
        return $args;
    }

    /** Address => name of the first school. */
    private function of(array $addresses): array
    {
        $people = $this->entries('mail', $addresses, '(objectClass=mpAgent)(!(mpHidden=TRUE))', ['mail', 'mpEstablishment']);
        $codes = [];
        foreach ($people as $one) {
            if (isset($one['mail'][0], $one['mpestablishment'][0])) {
                $codes[mb_strtolower($one['mail'][0])] = $one['mpestablishment'][0];
            }
        }
        $names = [];
        foreach ($this->entries('mpEstablishment', array_unique($codes), '(objectClass=mpSchool)', ['mpEstablishment', 'o']) as $school) {
            $names[$school['mpestablishment'][0] ?? ''] = $school['o'][0] ?? '';
        }
        return array_filter(array_map(fn ($code) => $names[$code] ?? '', $codes));
    }

    private function entries(string $attribute, array $values, string $class, array $wanted): array
    {
        if (!$values) {
            return [];
        }
        $any = implode('', array_map(fn ($value) => "($attribute=" . ldap_escape($value, '', LDAP_ESCAPE_FILTER) . ')', $values));
        return ($this->search)("(&$class(|$any))", $wanted) ?: [];
    }
}
