throw new Error('does not start');
