-- Another machine writes this log from now on.
UPDATE device SET host = :host;
