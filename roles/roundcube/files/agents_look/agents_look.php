<?php
// SPDX-License-Identifier: GPL-3.0-or-later

require_once __DIR__ . '/french.php';

/**
 * The academy's look and words.
 *
 * It comes first among the plugins: a text that it has corrected is not overwritten when its own plugin brings it.
 */
class agents_look extends rcube_plugin
{
    public function init()
    {
        $rc = rcmail::get_instance();
        if ($rc->output->type === 'html') {
            $this->include_stylesheet('brand/academy.css');
            $this->include_script('look.js');
            $this->include_stylesheet('structure.css');
            $this->include_script('structure.js');
            $this->add_hook('send_page', [$this, 'without_labels']);
        }
        // The language of this visit; what the agent chooses counts from the next page on.
        $rc->load_language($_SESSION['language'] ?? null);
        if (str_starts_with((string) ($_SESSION['language'] ?? ''), 'fr')) {
            $rc->load_language($_SESSION['language'], [], agents_french::corrected(
                $this->texts($rc, $_SESSION['language']),
                (array) $rc->config->get('agents_words'),
                (array) $rc->config->get('agents_texts'),
            ));
        }
    }

    /** The script of labels needs a list of messages or a message: on other pages, such as the one for writing, it stops with an error. */
    public function without_labels($args)
    {
        $rc = rcmail::get_instance();
        if ($rc->task === 'mail' && !in_array($rc->action, ['', 'list', 'show', 'preview'], true)) {
            $script = '~<script[^>]*\ssrc="plugins/thunderbird_labels/tb_label[^"]*"[^>]*></script>~';
            $args['content'] = preg_replace($script, '', $args['content']) ?? $args['content'];
        }
        return $args;
    }

    /** The packages' own texts: Roundcube's, and those of each plugin under its name. */
    private function texts(rcmail $rc, string $language): array
    {
        $texts = [];
        foreach (['labels', 'messages'] as $kind) {
            $texts = rcube::read_localization_file(RCUBE_LOCALIZATION_DIR . "$language/$kind.inc", $texts);
        }
        foreach ((array) $rc->config->get('plugins') as $plugin) {
            $file = RCUBE_PLUGINS_DIR . "$plugin/localization/$language.inc";
            foreach (rcube::read_localization_file($file) as $name => $text) {
                $texts["$plugin.$name"] = $text;
            }
        }
        return $texts;
    }
}
