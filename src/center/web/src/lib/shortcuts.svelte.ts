// Single-key shortcuts, which a person may switch off (WCAG 2.1.4), and which never act while typing.
const stored_as = "paywarden.shortcuts";

class Shortcuts {
  on = $state(localStorage.getItem(stored_as) !== "off");
  help = $state(false);

  set(on: boolean): void {
    this.on = on;
    localStorage.setItem(stored_as, on ? "on" : "off");
  }

  /** The key as a shortcut, or null when it belongs to a field, a dialog or the browser. */
  key_of(event: KeyboardEvent): string | null {
    if (!this.on || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
    const target = event.target as HTMLElement;
    if (target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]")) return null;
    return event.key;
  }
}

export const shortcuts = new Shortcuts();
