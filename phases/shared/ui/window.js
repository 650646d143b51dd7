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

// A folder that is dropped among the files: Gradio takes single files only. Each file goes in with its path inside the folder in its
// name, where "∕" (U+2215) stands for the slash that a name cannot hold; phases/rag_data/view.py makes folders of them again.
const LONGEST_NAME = 190;  // bytes; Gradio cuts longer names
const inside = (path) => {
  let name = path.join('\u2215');
  while (path.length > 1 && new TextEncoder().encode(name).length > LONGEST_NAME) name = (path = path.slice(1)).join('\u2215');
  return name.startsWith('.') ? `\u2215${name}` : name;  // Gradio takes no hidden files; the report names them
};
const listed = async (folder) => {
  const reader = folder.createReader(), found = [];
  for (let some; (some = await new Promise((done, failed) => reader.readEntries(done, failed))).length;) found.push(...some);
  return found.sort((one, other) => (one.name < other.name ? -1 : 1));
};
const gathered = async (entry, path) => {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [new File([file], inside([...path, entry.name]), { type: file.type })];
  }
  if (entry.name.startsWith('.')) return [new File([], inside([...path, entry.name]))];  // a hidden folder: named, not walked
  return (await Promise.all((await listed(entry)).map((one) => gathered(one, [...path, entry.name])))).flat();
};
document.addEventListener('drop', async (event) => {
  const entries = [...(event.dataTransfer?.items || [])].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
  if (!event.target.closest('#upload') || !entries.some((one) => one.isDirectory)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  event.target.dispatchEvent(new DragEvent('drop', { bubbles: true }));  // an empty one, which ends the highlight
  const taken = new DataTransfer();
  for (const entry of entries) {
    const files = await Promise.all(entry.isFile ? [gathered(entry, [])] : (await listed(entry)).map((one) => gathered(one, [])));
    files.flat().forEach((file) => taken.items.add(file));
  }
  const input = document.querySelector('#upload input[type=file]');
  if (!input || !taken.files.length) return;
  input.files = taken.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
}, true);
