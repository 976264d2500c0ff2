import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { userCache } from '../../../src/cli/start/user-cache.js';
import { temporaryDirectory } from '../../support/bundles.ts';
import { runCli } from '../../support/cli.ts';
import { COFFEE } from '../../support/samples.ts';

const temporary = temporaryDirectory();
after(() => temporary.dispose());

const isUnix = process.getuid !== undefined;
const isRoot = process.getuid?.() === 0;
const asRoot = !isRoot && 'only root gives directories away';

describe('the place for caches', { skip: !isUnix && 'permissions are other ones here' }, () => {
  const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = process.env;
  const own = (['platform', 'getuid'] as const).map(
    (name) => [name, Object.getOwnPropertyDescriptor(process, name)!] as const,
  );
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(temporary.path, 'home-'));
    process.env.XDG_CACHE_HOME = home;
  });
  afterEach(() => {
    for (const [name, value] of Object.entries({ XDG_CACHE_HOME, HOME, LOCALAPPDATA })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    Object.defineProperties(process, Object.fromEntries(own));
  });
  const pretend = (name: 'platform' | 'getuid', value: unknown) =>
    Object.defineProperty(process, name, { ...Object.fromEntries(own)[name], value });

  it('is made for the user alone, below XDG_CACHE_HOME', () => {
    process.env.XDG_CACHE_HOME = join(home, 'new');
    const place = join(home, 'new/show-and-tell/compiled');
    assert.equal(userCache('compiled'), place);
    for (const path of [place, join(place, '..'), join(place, '../..')]) {
      assert.equal(statSync(path).mode & 0o777, 0o700, path);
    }
    assert.equal(userCache('compiled'), place);
  });

  it('is in the home directory where that is not set, or is no absolute path', () => {
    process.env.HOME = home;
    for (const value of ['', 'relative']) {
      process.env.XDG_CACHE_HOME = value;
      const caches = process.platform === 'darwin' ? 'Library/Caches' : '.cache';
      assert.equal(userCache('compiled'), join(home, caches, 'show-and-tell/compiled'));
    }
  });

  it('is none below what a group of others may write', { skip: asRoot }, () => {
    const shared = join(home, 'shared');
    mkdirSync(shared);
    chownSync(shared, 0, 12345);
    process.env.XDG_CACHE_HOME = join(shared, 'mine');
    chmodSync(shared, 0o775);
    assert.equal(userCache('compiled'), null);
    chmodSync(shared, 0o755);
    assert.notEqual(userCache('compiled'), null);
  });

  const refused: { title: string; make: (own: string) => void; skip?: string | false }[] = [
    { title: 'others may write it', make: (own) => chmodSync(own, 0o777) },
    { title: 'a group may write it', make: (own) => chmodSync(own, 0o770) },
    { title: 'it is somebody else’s', make: (own) => chownSync(own, 12345, 12345), skip: asRoot },
    { title: 'others may write what it is in', make: (own) => chmodSync(join(own, '..'), 0o777) },
    {
      title: 'what it is in is somebody else’s',
      make: (own) => chownSync(join(own, '..'), 12345, 12345),
      skip: asRoot,
    },
  ];
  for (const { title, make, skip = false } of refused) {
    it(`is none where ${title}`, { skip }, () => {
      const own = join(home, 'show-and-tell');
      mkdirSync(own, { mode: 0o700 });
      assert.notEqual(userCache('compiled'), null);
      make(own);
      assert.equal(userCache('compiled'), null);
    });
  }

  it('is where the system has such places', () => {
    const above = join(home, 'user');
    mkdirSync(above, { mode: 0o700 });
    process.env.HOME = above;
    process.env.XDG_CACHE_HOME = '';
    pretend('platform', 'darwin');
    assert.equal(userCache('compiled'), join(above, 'Library/Caches/show-and-tell/compiled'));
    pretend('platform', 'win32');
    for (const value of ['', 'relative']) {
      process.env.LOCALAPPDATA = value;
      process.env.XDG_CACHE_HOME = home;
      assert.equal(userCache('compiled'), null);
    }
    process.env.LOCALAPPDATA = join(home, 'local');
    assert.equal(userCache('compiled'), join(home, 'local/show-and-tell/compiled'));
  });

  it('is safe on a system without such permissions, but for a link or a file', () => {
    pretend('getuid', undefined);
    chmodSync(home, 0o777);
    const place = join(home, 'show-and-tell/compiled');
    assert.equal(userCache('compiled'), place);
    chmodSync(join(place, '..'), 0o777);
    assert.equal(userCache('compiled'), place);
    symlinkSync(home, join(home, 'show-and-tell/linked'));
    assert.equal(userCache('linked'), null);
  });

  it('may be below what others write into but cannot rename in, and what the user’s own group may write', () => {
    const sticky = join(home, 'sticky');
    mkdirSync(sticky);
    chmodSync(sticky, 0o1777);
    process.env.XDG_CACHE_HOME = join(sticky, 'mine');
    assert.equal(userCache('compiled'), join(sticky, 'mine/show-and-tell/compiled'));
    const group = join(home, 'group');
    mkdirSync(group);
    process.env.XDG_CACHE_HOME = join(group, 'mine');
    chmodSync(group, 0o775);
    const isOwnGroup = process.getgid!() === process.getuid!();
    assert.equal(userCache('compiled') !== null, isOwnGroup);
    chmodSync(group, 0o777);
    assert.equal(userCache('compiled'), null);
  });

  it('is none where a link leads elsewhere, or a file is there', () => {
    mkdirSync(join(home, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(home, 'elsewhere'), join(home, 'show-and-tell'));
    assert.equal(userCache('compiled'), null);
    process.env.XDG_CACHE_HOME = COFFEE;
    assert.equal(userCache('compiled'), null);
  });

  it('keeps compiled code, and none in the directory of temporary files', async () => {
    const env = { ...process.env, XDG_CACHE_HOME: home, TMPDIR: mkdtempSync(join(temporary.path, 'tmp-')) };
    const { status } = await runCli(['--version'], { env });
    assert.equal(status, 0);
    assert.ok(statSync(join(home, 'show-and-tell/compiled')).isDirectory());
    assert.equal(statSync(join(env.TMPDIR, 'node-compile-cache'), { throwIfNoEntry: false }), undefined);
  });

  it('is not needed: a user without entry and home captions', { skip: asRoot }, async () => {
    const { HOME: _, XDG_CACHE_HOME: __, ...env } = process.env;
    const { status, stderr } = await runCli(['caption', '--top', '1', COFFEE], {
      env,
      uid: 54321,
      gid: 54321,
    });
    assert.deepEqual([status, stderr], [0, '']);
  });
});
