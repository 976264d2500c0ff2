export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1a2033; --muted: #576078; --line: #dde1ea; --soft: #f1f3f8; --accent: #3345b8; --mark: #fff3c4;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #0f121a; --ink: #e9ecf4; --muted: #a4adc0; --line: #2c3244; --soft: #1b2030; --accent: #a3b1ff; --mark: #3b3413; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere;
}
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
main:focus { outline: none; }
h1 { margin: 0; line-height: 1.2; }
h2 { margin: 3.5rem 0 1rem; padding-bottom: .3rem; border-bottom: 2px solid var(--line); }
h3 { margin: 0 0 .6rem; font-size: 1.2rem; }
h4 { margin: 1.6rem 0 .4rem; font-size: 1rem; }
section { margin-top: 2.2rem; }
section, h2 { scroll-margin-top: 1rem; }
section:target > h3 { background: var(--mark); box-shadow: 0 0 0 .35rem var(--mark); }
p, dl { margin: .6rem 0; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
pre {
  margin: .5rem 0 1rem; padding: .7rem .9rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--soft);
  line-height: 1.45; white-space: pre-wrap;
}
button {
  float: right; margin: .45rem; padding: .15rem .6rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--paper); color: var(--accent); font: inherit; font-size: .9rem; cursor: pointer;
}
dl > div { padding: .45rem 0; border-bottom: 1px solid var(--line); }
dd { margin: 0; }
.kind { color: var(--muted); }
nav { padding-bottom: 1rem; margin-bottom: 2rem; border-bottom: 2px solid var(--line); font-size: .95rem; }
nav p { margin: .7rem 0 .2rem; font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem .9rem; margin: 0; padding: 0; list-style: none; }
nav li { padding: .1rem 0; }
nav ul.tall { display: block; }
.skip { position: absolute; left: -100vw; }
.skip:focus { position: static; }
.unseen { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); }
@media (min-width: 44rem) {
  dl > div { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 0 1.5rem; }
  dl.narrow > div { grid-template-columns: 7rem minmax(0, 1fr); }
}
@media (min-width: 62rem) {
  body { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 0 3rem; padding: 0 1.5rem; }
  nav { position: sticky; top: 0; height: 100vh; margin: 0; padding: 2rem 1rem 2rem 0; border: 0; border-right: 1px solid var(--line); overflow-y: auto; }
  nav ul { display: block; }
  main { padding: 2rem 0 50vh; min-width: 0; }
  .skip:focus { grid-column: 1 / -1; }
}
@media print {
  nav, button { display: none; }
}
`;
