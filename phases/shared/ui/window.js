// What the browser does by itself: go to a project, open and close dialogs, light or dark, keys of the review.
window.lehrling = {
  go(name) {
    if (!name) return;
    const address = new URL(window.location.href);
    address.searchParams.set('project', name);
    for (const key of ['tab', 'part']) address.searchParams.delete(key);
    window.location.assign(address);
  },
  open(id) {
    const dialog = document.getElementById(id);
    if (!dialog) return;
    dialog.classList.add('open');
    dialog.setAttribute('role', 'dialog');
    dialog.setAttribute('aria-modal', 'true');
    const first = dialog.querySelector('input, textarea, button');
    if (first) setTimeout(() => first.focus(), 30);
  },
  close() {
    document.querySelectorAll('.dialog.open').forEach((one) => one.classList.remove('open'));
  },
  show(id) {
    setTimeout(() => document.getElementById(id)?.scrollIntoView({ block: 'nearest', behavior: 'smooth' }), 60);
  },
  cursor(id) {  // characters before the cursor, counted as Python does
    const field = document.querySelector(`#${id} textarea`);
    return field ? [...field.value.slice(0, field.selectionStart)].length : 0;
  },
  filled(form) {
    const known = new Set((document.body.dataset.filled || '').split(' ').filter(Boolean));
    document.body.dataset.filled = [...known.add(form)].join(' ');
  },
  shade() {
    const dark = !document.body.classList.contains('dark');
    document.body.classList.toggle('dark', dark);
    const address = new URL(window.location.href);
    address.searchParams.set('__theme', dark ? 'dark' : 'light');
    window.history.replaceState(null, '', address);
  },
  save(name, text) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/yaml' }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  },
  copy(id) {
    const text = document.querySelector(`#${id} code`)?.textContent;
    if (text && navigator.clipboard) navigator.clipboard.writeText(text);
  },
};
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') window.lehrling.close();
  const typing = event.target.closest('input, textarea, select, [contenteditable="true"]');
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = { a: 'review-accept', e: 'review-edit', r: 'review-reject' }[event.key.toLowerCase()];
  const button = name && document.getElementById(name);
  if (button && button.offsetParent !== null && !button.disabled) {
    event.preventDefault();
    button.click();
  }
});
document.addEventListener('click', (event) => {
  const button = event.target.closest('#status [data-act]');
  if (button) window.lehrling.asked = `${button.dataset.act}-dialog`;
  const tab = event.target.closest('#phases button[role=tab][data-tab-id]');
  if (tab) {  // the address says which tab is open, so that a reload finds it again
    const address = new URL(window.location.href);
    address.searchParams.set(tab.closest('.subtabs') ? 'part' : 'tab', tab.dataset.tabId);
    window.history.replaceState(window.history.state, '', address);
  }
}, true);
