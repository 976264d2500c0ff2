/** What a shared object for 64-bit Linux says about itself. https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html */

const MAGIC = 0x7f454c46;
/** `e_machine` */
const MACHINES: Record<number, string> = { 62: 'x86_64', 183: 'arm64' };
const DYNAMIC_SECTION = 6;
const NEEDED = 1n;
const RPATH = 15n;
const RUNPATH = 29n;

export interface SharedObject {
  machine: string;
  /** Names of the libraries that the loader has to find. */
  needed: string[];
  /** Where it looks first; `$ORIGIN` is the directory of the object. */
  searchPath: string[];
  /** Newest version of the C library that a symbol asks for, e.g. [2, 28]. */
  libc: [number, number];
}

export function readSharedObject(file: Buffer): SharedObject {
  if (file.readUInt32BE(0) !== MAGIC) throw new Error('not an ELF file');
  const entries = dynamicEntries(file);
  const texts = (tag: bigint) => entries.filter((entry) => entry.tag === tag).map(({ text }) => text);
  return {
    machine: MACHINES[file.readUInt16LE(18)] ?? 'other',
    needed: texts(NEEDED),
    searchPath: [...texts(RPATH), ...texts(RUNPATH)].flatMap((path) => path.split(':')),
    libc: newestLibc(file),
  };
}

function dynamicEntries(file: Buffer): { tag: bigint; text: string }[] {
  const sections = sectionsOf(file);
  const dynamic = sections.find(({ type }) => type === DYNAMIC_SECTION);
  if (dynamic === undefined) throw new Error('no dynamic section');
  const strings = sections[dynamic.link]!;
  return Array.from({ length: dynamic.size / 16 }, (_, i) => {
    const at = dynamic.offset + i * 16;
    const start = strings.offset + Number(file.readBigUInt64LE(at + 8));
    const tag = file.readBigInt64LE(at);
    const isText = [NEEDED, RPATH, RUNPATH].includes(tag);
    return { tag, text: isText ? file.toString('latin1', start, file.indexOf(0, start)) : '' };
  });
}

function sectionsOf(file: Buffer) {
  const start = Number(file.readBigUInt64LE(0x28));
  const [size, count] = [file.readUInt16LE(0x3a), file.readUInt16LE(0x3c)];
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
    };
  });
}

function newestLibc(file: Buffer): [number, number] {
  const versions = [...file.toString('latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(
    ([, major, minor]): [number, number] => [Number(major), Number(minor)],
  );
  return versions.sort((a, b) => a[0] - b[0] || a[1] - b[1]).at(-1) ?? [0, 0];
}
