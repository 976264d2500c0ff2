/** The package has no types of its own. */
declare module 'asl-validator' {
  /** Writes into the definition. */
  export default function validate(definition: unknown): { isValid: boolean; errors: unknown[] };
}
