<?php
// SPDX-License-Identifier: GPL-3.0-or-later

/** What the portal gives each page here: « Aide » and « Mon compte » beside mail and contacts, and the bar of its notices. */
final class agents_portal
{
    public function __construct(private readonly rcmail $rc, private readonly rcube_plugin $plugin)
    {
    }

    public function show(): void
    {
        if ($this->rc->output->type !== 'html') {
            return;
        }
        $this->plugin->include_script('notices.js');
        foreach (['help' => 'support_url', 'account' => 'agents_account_url'] as $name => $setting) {
            $address = (string) $this->rc->config->get($setting);
            if ($address !== '') {
                $this->plugin->add_button([
                    'type' => 'link',
                    'href' => $address,
                    // What is being written here stays.
                    'target' => '_blank',
                    'rel' => 'noopener',
                    'label' => "portal$name",
                    'title' => "portal{$name}title",
                    'class' => $name,
                    'domain' => $this->plugin->ID,
                    'innerclass' => 'inner',
                ], 'taskbar');
            }
        }
    }
}
