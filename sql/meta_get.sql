-- Is there a cache of this format?
SELECT epoch, machine, is_indexed FROM {meta} WHERE format = :format;
