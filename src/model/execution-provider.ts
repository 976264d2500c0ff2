/** What runs the networks. In a file of its own, so that declarations which name it bring nothing native along. */
export type ExecutionProvider = 'cpu' | 'cuda';
