/** What is dropped: files, whole folders, addresses. */
import { addFrom, addressIn } from './addresses.ts';
import { add, type Photograph } from './arrivals.ts';
import { $, notice } from './shared/document.ts';

/** At a time out of folders: each takes memory for its picture. */
const MAX_OF_FOLDERS = 500;
/** Names of files left out that are told. */
const NAMED = 5;

/** Out of folders only what the page can send is taken; what is dropped by itself is taken as it is. */
export async function addDropped(dropped: DataTransfer): Promise<void> {
  const items = [...dropped.items].filter(({ kind }) => kind === 'file');
  // All before the first wait: the browser forgets the items then.
  const folders: FileSystemEntry[] = [];
  const photographs: Photograph[] = [];
  for (const item of items) {
    const entry = item.webkitGetAsEntry();
    if (entry?.isDirectory) folders.push(entry);
    else photographs.push({ file: item.getAsFile()! });
  }
  if (items.length === 0) {
    const address = addressIn(dropped.getData('text/uri-list').split('\n')[0]!);
    if (address) await addFrom(address);
    else notice('There is no picture in it.');
    return;
  }
  if (folders.length === 0) {
    add(photographs);
    return;
  }
  notice('Looking for photographs in the folder …');
  const { taken, left } = await sorted(folders);
  photographs.push(...taken);
  if (photographs.length > 0) add(photographs);
  const count = `${taken.length} ${taken.length === 1 ? 'photograph' : 'photographs'} taken from the folder`;
  notice(left.length === 0 ? `${count}.` : `${count}, ${left.length} left out: ${listed(left)}.`);
}

function listed(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** All photographs of folders and the folders in them, in the order of their names; `left` has the names of the rest. */
async function sorted(folders: readonly FileSystemEntry[]): Promise<{ taken: Photograph[]; left: string[] }> {
  const types = $<HTMLInputElement>('#files').accept.split(',');
  const taken: Photograph[] = [];
  const left: string[] = [];
  for await (const entry of filesIn(folders)) {
    const name = entry.fullPath.slice(1);
    const file = await fileOf(entry);
    if (file && types.includes(file.type) && taken.length < MAX_OF_FOLDERS) taken.push({ file, name });
    else left.push(name);
  }
  return { taken, left };
}

async function* filesIn(entries: readonly FileSystemEntry[]): AsyncGenerator<FileSystemFileEntry> {
  for (const entry of entries) {
    if (entry.isFile) yield entry as FileSystemFileEntry;
    else yield* filesIn(await entriesIn(entry as FileSystemDirectoryEntry));
  }
}

/** The browser gives them in portions, the last of which is empty. A folder that it may not read has none. */
async function entriesIn(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const entries: FileSystemEntry[] = [];
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve) => {
      reader.readEntries(resolve, () => resolve([]));
    });
    if (portion.length === 0)
      return entries.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    entries.push(...portion);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File | null> {
  return new Promise((resolve) => {
    entry.file(resolve, () => resolve(null));
  });
}
