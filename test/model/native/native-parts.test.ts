/** What is said where a package with machine code does not load. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { describe, it, type TestContext } from 'node:test';
import { ModelUnusable } from '../../../src/errors.ts';
import { onnxruntime, sharp } from '../../../src/model/native/native-parts.ts';
import { instead } from '../../support/system/instead.ts';

const PACKAGES = { sharp, 'onnxruntime-node': onnxruntime };
const MACHINE = `${process.platform}-${process.arch}`;
const SHARP_SAYS = [
  'Could not load the "sharp" module using the linux-x64 runtime',
  'ERR_DLOPEN_FAILED: libstdc++.so.6: cannot open shared object file: No such file or directory',
  'Possible solutions:',
].join('\n');

function failing(t: TestContext, message: unknown): void {
  const hooks = registerHooks({
    resolve(name, context, next) {
      if (name in PACKAGES) throw message;
      return next(name, context);
    },
  });
  t.after(() => hooks.deregister());
}

/** @param libc its version, where it is glibc */
function onMachine(
  t: TestContext,
  glibcVersionRuntime: string | undefined,
  platform: string = 'linux',
): void {
  instead(t, 'platform', platform);
  t.mock.method(process.report, 'getReport', () => ({ header: { glibcVersionRuntime } }) as never);
}

function problemOf(load: () => unknown) {
  try {
    load();
  } catch (error) {
    assert.ok(error instanceof ModelUnusable, String(error));
    return { ...error.problem, cause: error.cause };
  }
  assert.fail('it was loaded');
}

// First: what was loaded once stays loaded.
describe('a package whose machine code does not load', () => {
  for (const [file, load] of Object.entries(PACKAGES)) {
    it(`${file} is named, with what is there and what to do`, (t) => {
      const cause = new Error("Cannot find module '../bin/binding.node'.\nRequire stack:\n- here");
      failing(t, cause);
      onMachine(t, '2.36');
      assert.deepEqual(problemOf(load), {
        file,
        expected: `its machine code for ${MACHINE} (glibc)`,
        actual: "none that loads: Cannot find module '../bin/binding.node'",
        remedy: 'Install again on this machine, optional packages included (npm ci --include=optional).',
        cause,
      });
    });
  }

  it('for want of a library of the system is told from one that is missing itself', (t) => {
    failing(t, new Error(SHARP_SAYS));
    onMachine(t, '2.36');
    const { actual, remedy } = problemOf(sharp);
    assert.equal(
      actual,
      'none that loads: ERR_DLOPEN_FAILED: libstdc++.so.6: cannot open shared object file: No such file or directory',
    );
    assert.match(remedy, /^Install the library that is missing .*, or install again on this machine/);
  });

  it('on Alpine Linux is told to be for another C library', (t) => {
    failing(t, 'text');
    onMachine(t, undefined);
    const { expected, actual, remedy } = problemOf(sharp);
    assert.equal(expected, `its machine code for ${MACHINE} (musl)`);
    assert.equal(actual, 'none that loads: text');
    assert.match(remedy, /^It needs glibc, .*Debian/);
  });

  it('on a Mac with an Intel processor is told not to exist', (t) => {
    failing(t, new Error("Cannot find module '../bin/napi-v6/darwin/x64/onnxruntime_binding.node'"));
    onMachine(t, undefined, 'darwin');
    instead(t, 'arch', 'x64');
    const { expected, remedy } = problemOf(onnxruntime);
    assert.equal(expected, 'its machine code for darwin-x64');
    assert.match(remedy, /^onnxruntime has none for it, .*container/);
    // There is some for the other library, which may only be missing.
    assert.match(problemOf(sharp).remedy, /^Install again/);
    instead(t, 'arch', 'arm64');
    assert.match(problemOf(onnxruntime).remedy, /^Install again/);
  });

  it('elsewhere has no C library to choose', (t) => {
    failing(t, new Error('first\nsecond'));
    onMachine(t, undefined, 'darwin');
    const { expected, actual } = problemOf(sharp);
    assert.equal(expected, `its machine code for darwin-${process.arch}`);
    assert.equal(actual, 'none that loads: first');
  });
});

it('what did not load is tried again, and loaded once', () => {
  assert.equal(sharp(), sharp());
  assert.equal(typeof onnxruntime().InferenceSession.create, 'function');
});
