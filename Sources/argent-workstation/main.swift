print("argent-workstation")
