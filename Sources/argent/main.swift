print("argent")
