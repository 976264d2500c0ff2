/** Plain JavaScript, since a browser runs it: addresses as the browser knows them, and buttons that copy. */
export const SCRIPT = `
const live = document.getElementById('live');
// Also behind a proxy that adds a path or another name.
const here = new URL('.', location.href).href.replace(/\\/$/, '');
if (location.protocol.startsWith('http'))
  for (const origin of document.querySelectorAll('.origin')) origin.textContent = here;

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text.textContent);
    return true;
  } catch {
    // Pages without TLS have no clipboard; the old command still works there.
    getSelection().selectAllChildren(text);
    return document.execCommand('copy');
  }
}

for (const block of document.querySelectorAll('.curl')) {
  const text = block.querySelector('code');
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', 'Copy: ' + block.dataset.name);
  button.addEventListener('click', async () => {
    const done = await copy(text);
    live.textContent = (done ? 'Copied: ' : 'Selected, not copied: ') + block.dataset.name;
    button.textContent = done ? 'Copied' : 'Selected';
    setTimeout(() => { button.textContent = 'Copy'; }, 1600);
  });
  block.before(button);
}
`;
