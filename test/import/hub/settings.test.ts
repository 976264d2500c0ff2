import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hubSettings } from '../../../src/import/hub/settings.ts';

test('the hub is where the environment says, and else where it is', () => {
  assert.deepEqual(hubSettings({}), { endpoint: 'https://huggingface.co', token: undefined });
  const asked = { HF_ENDPOINT: ' https://mirror.example/hub/ ', HF_TOKEN: ' hf_abc\n' };
  assert.deepEqual(hubSettings(asked), { endpoint: 'https://mirror.example/hub', token: 'hf_abc' });
  const blank = { HF_ENDPOINT: ' ', HF_TOKEN: ' ' };
  assert.deepEqual(hubSettings(blank), hubSettings({}));
  assert.equal(hubSettings({ HF_ENDPOINT: 'http://127.0.0.1:80/' }).endpoint, 'http://127.0.0.1');
});

test('what is no address or no token is refused, and quoted nowhere', () => {
  const refused = [
    { HF_ENDPOINT: 'http://mirror.example' },
    { HF_ENDPOINT: 'https://user:secret@mirror.example' },
    { HF_ENDPOINT: 'https://mirror.example/?a=secret' },
    { HF_ENDPOINT: 'https://mirror.example/#secret' },
    { HF_ENDPOINT: 'secret' },
    { HF_TOKEN: 'secret' },
    { HF_TOKEN: 'hf_se cret' },
    { HF_TOKEN: 'my_hf_secret' },
    { HF_TOKEN: 'hf_' },
  ];
  for (const env of refused) {
    const [name] = Object.keys(env) as [string];
    assert.throws(
      () => hubSettings(env),
      (error: Error) => {
        assert.equal(error.name, 'InvalidRequest');
        assert.ok(error.message.startsWith(`${name}: expected `), error.message);
        assert.doesNotMatch(error.message, /secret|se cret|mirror/);
        return true;
      },
      JSON.stringify(env),
    );
  }
});
