/** What the forge reads of the repository: workflows, forms, releases, updates, and what editors do. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseDocument } from 'yaml';
import { ROOT } from '../support/samples.ts';

interface Step {
  name?: string;
  uses?: string;
  run?: string;
}

interface Workflow {
  name: string;
  permissions: unknown;
  jobs: Record<string, { 'runs-on': string; needs?: string; 'timeout-minutes': number; steps: Step[] }>;
}

interface Form {
  name: string;
  description: string;
  body: { type: string; id?: string; attributes: { label?: string; value?: string } }[];
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const readJson = (path: string) => JSON.parse(read(path));

/** Fails on what YAML merely warns of, too: a key that is there twice. */
function readYaml<T>(path: string): T {
  const document = parseDocument(read(path));
  assert.deepEqual([...document.errors, ...document.warnings], [], path);
  return document.toJS() as T;
}

const { version, scripts } = readJson('package.json') as { version: string; scripts: object };
const workflows = globSync('.github/workflows/*.yml', { cwd: ROOT });
const forms = globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: ROOT }).filter(
  (path) => !path.endsWith('config.yml'),
);

/** `npm test` counts as `test`. */
function scriptsIn(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)].map(([, run, own]) => run ?? own!);
}

test('there are workflows and forms', () => {
  assert.deepEqual(workflows.map((path) => path.replace(/^.*[/\\]/, '')).sort(), ['ci.yml', 'release.yml']);
  assert.ok(forms.length > 0);
});

for (const path of workflows) {
  describe(path, () => {
    const { permissions, jobs } = readYaml<Workflow>(path);
    const steps = Object.values(jobs).flatMap((job) => job.steps);

    test('every script of npm in it is in package.json', () => {
      const names = steps.flatMap(({ run }) => scriptsIn(run ?? ''));
      assert.ok(names.length > 0);
      assert.deepEqual(
        names.filter((name) => !(name in scripts)),
        [],
      );
    });

    test('every file that it runs is there', () => {
      const files = steps.flatMap(({ run }) =>
        [...(run ?? '').matchAll(/^\.\w\S+$/gm)].map(([file]) => file),
      );
      assert.deepEqual(
        files.filter((file) => !existsSync(join(ROOT, file))),
        [],
      );
    });

    test('actions are pinned to commits, with the version that Renovate reads', () => {
      const uses = read(path)
        .split('\n')
        .filter((line) => /^\s*(- )?uses:/.test(line));
      assert.equal(uses.length, steps.filter((step) => step.uses).length);
      for (const line of uses) assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    test('jobs have a limit of time, no rights that they were not given, and jobs that they wait for', () => {
      assert.ok(permissions !== undefined);
      for (const [name, job] of Object.entries(jobs)) {
        assert.ok(job['timeout-minutes'] > 0, name);
        assert.ok(job.needs === undefined || job.needs in jobs, name);
      }
    });
  });
}

for (const path of forms) {
  test(`${path} has what the forge asks of a form`, () => {
    const { name, description, body } = readYaml<Form>(path);
    assert.ok(name && description);
    const ids = body.flatMap(({ id }) => id ?? []);
    assert.equal(new Set(ids).size, ids.length);
    for (const { type, id, attributes } of body) {
      assert.ok(['markdown', 'textarea', 'input', 'dropdown', 'checkboxes'].includes(type), type);
      assert.ok(type === 'markdown' ? attributes.value : id && attributes.label, `${path}: ${type}`);
    }
  });
}

test('the pull request template and the settings of the forms are readable', () => {
  assert.equal(
    readYaml<{ blank_issues_enabled: boolean }>('.github/ISSUE_TEMPLATE/config.yml').blank_issues_enabled,
    false,
  );
  const names = scriptsIn(read('.github/pull_request_template.md'));
  assert.deepEqual(
    names.filter((name) => !(name in scripts)),
    [],
  );
});

test('the version is the same wherever it stands', () => {
  const lock = readJson('package-lock.json');
  const released = read('CHANGELOG.md').match(/^## \[?(\d+\.\d+\.\d+)/m)?.[1];
  assert.deepEqual(
    [lock.version, lock.packages[''].version, readJson('.release-please-manifest.json')['.'], released],
    Array(4).fill(version),
  );
  assert.deepEqual(Object.keys(readJson('release-please-config.json').packages), ['.']);
});

test('every package that Renovate has a rule for is there', () => {
  const { packages } = readJson('package-lock.json') as { packages: Record<string, object> };
  const installed = [...Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')), 'node'];
  const rules = readJson('renovate.json').packageRules as { matchPackageNames?: string[] }[];
  const patterns = rules.flatMap(({ matchPackageNames }) => matchPackageNames ?? []);
  assert.ok(patterns.length > 0);
  for (const pattern of patterns) {
    const wanted = new RegExp(`^${pattern.replace('!', '').replaceAll(/\*+/g, '.*')}$`);
    assert.ok(
      installed.some((name) => wanted.test(name)),
      pattern,
    );
  }
});

test('editors indent and break lines as Biome does', () => {
  const { formatter } = readJson('biome.json');
  const lines = read('.editorconfig').split('\n');
  assert.equal(formatter.indentStyle, 'space');
  assert.equal(formatter.indentWidth ?? 2, 2);
  assert.ok(lines.includes('indent_style = space') && lines.includes('indent_size = 2'));
  assert.ok(lines.includes(`max_line_length = ${formatter.lineWidth}`));
});
