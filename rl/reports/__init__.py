"""Reports on run directories: tables, figures and statistics over seeds, as HTML, Markdown, PNG and CSV.

Terms:

- a run is one run directory (`runs.ReportedRun`), its task is the environment in which it was trained;
- keys are the config keys in which runs in the same environment differ (`differences`); a setting is a run's values of
  the keys, and its name consists of those that are not usual (`naming`);
- a group is the runs of one setting in one environment (`groups.Group`);
- a score is the number by which settings are compared, the return at the end of training or the greedy evaluation
  (`groups.KINDS`); a run is lost if it ended without one;
- a measure is a number on the rows of the leading objectives (`objectives.Measure`).

Data flow: `find_runs` → `naming` → `grouped` → the sections (`introduction`, `together`, and `environment` with its
`parts` and `gradients`), which add to a `Page` and to `Tables`. The statistics (`statistics`, `comparing`, `ranking`)
see only arrays of scores [seeds, tasks]. Nothing here needs TensorFlow, Hydra or OmegaConf.
"""
