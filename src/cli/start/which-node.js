/**
 * Whether a Node runs this program.
 * @param {{ version: string, typescript: unknown }} node as `process.versions.node` and `process.features.typescript` say
 * @param {boolean} built JavaScript, as the package has it, and not the sources
 */
export function isNewEnough({ version, typescript }, built) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (built) return major > 22 || (major === 22 && minor >= 13);
  // Some distributions build Node without it.
  return major >= 24 && typescript !== false;
}
