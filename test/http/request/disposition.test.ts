/** Headers of a part as such; what programs make of a file's name is in `multipart.test.ts`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Disposition, dispositionOf } from '../../../src/http/request/disposition.ts';

const read = (headers: string) => dispositionOf(Buffer.from(headers));

describe('content-disposition', () => {
  const HEADERS: [what: string, headers: string, read: Disposition | null][] = [
    ['without any blank', 'Content-Disposition:form-data;name=a', { name: 'a', fileName: null }],
    [
      'with blanks wherever they may be',
      'CONTENT-DISPOSITION \t:\t  Form-Data \t ;\t; name \t= \t"a" \t;\tfilename =\t"b" ',
      { name: 'a', fileName: 'b' },
    ],
    [
      'with blanks after what has no quotes',
      'Content-Disposition: form-data; name=a \t; filename=b c \t',
      { name: 'a', fileName: 'b c' },
    ],
    [
      'after and before other headers',
      'A: form-data; name=x\r\nContent-Disposition: form-data; name=a\r\nB: c; filename=x',
      { name: 'a', fileName: null },
    ],
    [
      'on several lines',
      'Content-Disposition:\r\n form-data;\r\n\t \tname="a";\r\n filename="b\r\n \t  c"',
      { name: 'a', fileName: 'b c' },
    ],
    [
      'with words that have no value',
      'Content-Disposition: form-data; x; filename; y ;name=a;z',
      { name: 'a', fileName: '' },
    ],
    [
      'whose value begins with what ends others',
      'Content-Disposition: form-data; name="; a"; filename=" "',
      { name: '; a', fileName: ' ' },
    ],
    [
      'whose quote does not end',
      'Content-Disposition: form-data; name=a; filename="b.jpg; c=d',
      { name: 'a', fileName: '"b.jpg' },
    ],
    [
      'with backslashes, even and odd in number, before a quote',
      String.raw`Content-Disposition: form-data; name="\""; filename="a\\\"; \\"; x="\"`,
      { name: '"', fileName: 'a\\"; \\' },
    ],
    [
      'of a value that is one backslash',
      String.raw`Content-Disposition: form-data; name=a; filename="\"`,
      { name: 'a', fileName: '\\' },
    ],
    [
      'with what browsers escape, in small letters as well, also in a Windows path and in the name of the field',
      String.raw`Content-Disposition: form-data; name="a%22%0d%0A%20"; filename="c:\d\e%22%0D%0a%20"`,
      { name: 'a"\r\n%20', fileName: 'e"\r\n%20' },
    ],
    [
      'with a Windows path that does not begin there',
      String.raw`Content-Disposition: form-data; name=a; filename="b c:\d\\e"`,
      { name: 'a', fileName: String.raw`b c:\d\e` },
    ],
    [
      'with an extended name, in small letters and with a line break in it',
      "Content-Disposition: form-data; name=a; filename*=\"utf-8'en-GB'k%c3%B6n\nig'%2G%2\"; filename=b",
      { name: 'a', fileName: "kön\nig'%2G%2" },
    ],
    [
      'with an extended name that has one apostrophe only',
      "Content-Disposition: form-data; name=a; filename*=utf-8'b; filename=c",
      { name: 'a', fileName: 'c' },
    ],
    ['none', 'X-Content-Disposition: form-data; name=a', null],
    ['in the text of another', 'X: Content-Disposition: form-data; name=a', null],
    ['of another kind', 'Content-Disposition: form-dataset; name=a', null],
    ['with another colon', 'Content-Disposition; form-data; name=a', null],
    [
      'twice, the first without a name',
      'Content-Disposition: form-data\r\nContent-Disposition: form-data; name=a',
      null,
    ],
    ['whose names are empty', 'Content-Disposition: form-data; ="b"; name=a', null],
  ];
  for (const [what, headers, disposition] of HEADERS) {
    it(`is read: ${what}`, () => {
      assert.deepEqual(read(headers), disposition);
    });
  }
});
